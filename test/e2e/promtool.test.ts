/** Every profile's page goes through the real `promtool check metrics`, which parses and lints it. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ProcessMetrics } from "../../src/metrics/process.ts";
import { ACCEPT, PROFILES, pageOf, recordedMetrics } from "../helpers/recorded-metrics.ts";
import { describeWithProgram } from "../helpers/system-program.ts";

/** A prescribed name that no type or help makes acceptable; docs/metrics.md says so too. */
const PRESCRIBED: Readonly<Record<string, string>> = {
  ai_api: 'ai_api_request_duration_milliseconds use base unit "seconds" instead of "milliseconds"\n',
};

describeWithProgram("promtool", "promtool check metrics", (promtool) => {
  test.each(PROFILES)("has nothing to say of the %s page", async (profile) => {
    const page = await pageOf(recordedMetrics({ process: new ProcessMetrics() }), [profile], ACCEPT.text);
    const { stderr, stdout } = spawnSync(promtool, ["check", "metrics"], { input: page, encoding: "utf8" });
    expect(stdout + stderr).toBe(PRESCRIBED[profile] ?? "");
  });

  test("has nothing more to say of all profiles on one page", async () => {
    const page = await pageOf(recordedMetrics({ process: new ProcessMetrics() }), PROFILES, ACCEPT.text);
    const { stderr, stdout } = spawnSync(promtool, ["check", "metrics"], { input: page, encoding: "utf8" });
    expect(stdout + stderr).toBe(PRESCRIBED.ai_api);
  });
});
