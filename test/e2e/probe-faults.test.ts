/**
 * Every probe against the simulated relay in good health and in each fault. test/golden/probes holds, for each, what
 * `/metrics` then says of the upstream: a reviewer reads there what a fault looks like.
 */
import { spawnSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { startExporter, steady, type TestExporter } from "../helpers/exporter.ts";
import { expectGolden } from "../helpers/golden.ts";
import { systemProgram } from "../helpers/system-program.ts";

const MODULES = ["models", "chat", "embeddings", "images", "balance", "tls", "dns"];
const probes = {
  modules: MODULES,
  interval: "1h",
  models: { chat: "gpt-4.1-mini", images: "gpt-image-1" },
};
const upstream = {
  balance: { poller: "billing" },
  prices: { "gpt-image-1": { perImage: 0.01 } },
};

/** The knobs of the simulated relay that make each fault. */
const FAULTS: Readonly<Record<string, Record<string, unknown>>> = {
  "good-health": {},
  "401": { status: 401 },
  "401-expired": { status: 401, errorCode: "api_key_expired" },
  "402": { status: 402 },
  "403": { status: 403 },
  "404": { status: 404 },
  "429": { status: 429 },
  "429-insufficient-quota": { status: 429, errorCode: "insufficient_quota" },
  "500": { status: 500 },
  hang: { hang: "head" },
  "hang-in-body": { hang: "stream", after: 1 },
  reset: { reset: "head" },
  "half-json": { half: "json" },
  "web-page": { html: true, contentType: "text/html" },
  "not-http": { malformed: "status-line" },
  "200-with-error": { status: 200, errorCode: "server_error" },
  "200-with-key-error": { status: 200, errorCode: "invalid_api_key" },
  "numbers-as-text": { textAmounts: true, balance: 12.5 },
};

/** What never ends has little time, or no test would; more, where so little passed before an answer began. */
const TIMES = ["400ms", "5s", "30s"];
/** However slow the machine, what is answered is not late. */
const AMPLE = "10m";
const overrides = { tls: { timeout: AMPLE }, dns: { timeout: AMPLE } };

let exporter: TestExporter;
afterEach(() => exporter.close());

async function expectShown(fault: string, timeout: string): Promise<void> {
  const config = { upstream, probes: { ...probes, timeout, overrides } };
  exporter = await startExporter(config, { knobs: { balance: 40, ...FAULTS[fault] } });
  const answers = await Promise.all(MODULES.map((module) => exporter.probe(module)));
  expect(answers.map(({ status }) => status)).toEqual(MODULES.map(() => 200));
  const page = watched(await exporter.page());
  expectGolden(`test/golden/probes/${fault}.txt`, steady(page));
  // What a single probe answers agrees with the process's own page.
  for (const [at, module] of MODULES.entries()) {
    const success = /^bellwether_probe_success\{.*probe="(\w+)".*\} (\d)$/gm;
    const own = [...page.matchAll(success)].find(([, name]) => name === module)?.[2];
    expect(answers[at]?.body).toContain(`\nprobe_success ${own}\n`);
  }
  const promtool = systemProgram("promtool");
  if (promtool === undefined) return;
  for (const text of [page, ...answers.map(({ body }) => body)]) {
    const { stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" });
    expect(stdout + stderr).toBe("");
  }
}

test.each(Object.keys(FAULTS))("%s shows in the metrics after one run of each probe", async (fault) => {
  const times = fault.startsWith("hang") ? TIMES : [AMPLE];
  for (const timeout of times) {
    try {
      return await expectShown(fault, timeout);
    } catch (error) {
      if (timeout === times.at(-1)) throw error;
      await exporter.close();
    }
  }
});

/** Of a page, in a steady order: what probes fill, but for series that are always there and 0. */
function watched(page: string): string {
  const blocks = page
    .split(/(?=^# HELP )/m)
    .filter((block) => /^# HELP bellwether_(probe|upstream)/.test(block));
  return blocks
    .map((block) => {
      const lines = block.trimEnd().split("\n");
      const [help = "", type = "", ...samples] = lines;
      const kept = samples.filter((line) => !/bellwether_upstream_ratelimit/.test(line));
      return kept.length === 0 ? "" : `${[help, type, ...kept.sort()].join("\n")}\n`;
    })
    .join("");
}
