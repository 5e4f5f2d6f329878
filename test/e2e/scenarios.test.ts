/** `bellwether scenarios`, the built command, against a relay that is well and against ones that are not. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

interface Report {
  readonly upstream: string;
  readonly simulated: boolean;
  readonly passed: boolean;
  readonly scenarios: readonly {
    readonly name: string;
    readonly outcome: string;
    readonly why: string;
    readonly series: readonly { readonly series: string; readonly moved: boolean }[];
  }[];
}

let folder: string;
let relay: Sandbox;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwether-scenarios-"));
  relay = await startSandbox();
  const upstreams = {
    relay: { baseUrl: `${relay.url}/v1`, apiKey: SANDBOX_KEY },
    closed: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "sk-whatever-it-is" },
    claude: { baseUrl: `${relay.url}/v1`, apiKey: SANDBOX_KEY, dialects: ["anthropic-messages"] },
  };
  await writeFile(join(folder, "bellwether.yaml"), JSON.stringify({ upstreams }));
  await writeFile(join(folder, "none.yaml"), "{}");
});
afterAll(async () => {
  await relay.close();
  await rm(folder, { recursive: true });
});

function scenarios(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env.PATH };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [PROGRAM, "scenarios", ...options],
      { cwd: folder, env },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

async function report(...options: string[]): Promise<Report & { readonly code: number }> {
  const { code, stdout } = await scenarios("--json", ...options);
  return { ...(JSON.parse(stdout) as Report), code };
}

const outcomes = ({ scenarios: all }: Report) =>
  Object.fromEntries(all.map(({ name, outcome }) => [name, outcome]));

describe("bellwether scenarios", () => {
  it("passes on a sandbox that is well, all series moved, and exits with 0", async () => {
    const { code, stdout } = await scenarios();
    expect(stdout).toContain("SIMULATED");
    expect(stdout).toContain("10 as expected, 0 not, 0 skipped");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(code).toBe(0);
  });

  it("reports every series as JSON", async () => {
    const { code, simulated, passed, scenarios: all } = await report();
    expect({ code, simulated, passed }).toEqual({ code: 0, simulated: true, passed: true });
    expect(all.flatMap(({ series }) => series).every(({ moved }) => moved)).toBe(true);
    expect(all.flatMap(({ series }) => series).map(({ series }) => series)).toContain(
      'bellwether_errors_total{upstream="relay",type="rate_limit"}',
    );
  });

  it("brings its own sandbox when nothing is configured", async () => {
    expect(await report("--config", "none.yaml")).toMatchObject({
      upstream: "sandbox",
      code: 0,
      passed: true,
    });
  });

  it("says which scenario an upstream fails, and exits with 1", async () => {
    relay.set({ usage: "none" });
    const silent = await report();
    relay.reset();
    expect(silent.code).toBe(1);
    expect(outcomes(silent)).toMatchObject({
      chat: "failed",
      stream: "failed",
      models: "passed",
      "wrong key": "passed",
    });
    expect(silent.scenarios.find(({ name }) => name === "stream")?.why).toMatch(
      /bellwether_usage_records_total.*did not grow/,
    );
    relay.set({ anyModel: true });
    expect(outcomes(await report("--model", "gpt-4.1"))).toMatchObject({
      "unknown model": "failed",
      chat: "passed",
    });
    relay.reset();
  });

  it("skips what only a sandbox can do, and fails what cannot be reached", async () => {
    const closed = await report("--upstream", "closed");
    expect(closed).toMatchObject({ simulated: false, passed: false, code: 1 });
    expect(outcomes(closed)).toMatchObject({
      chat: "failed",
      "rate limit": "skipped",
      "cut stream": "skipped",
    });
  });

  it("refuses an upstream that is not there, or speaks another API", async () => {
    expect(await scenarios("--upstream", "nobody")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("there is no upstream nobody; there are relay, closed, claude."),
    });
    expect((await scenarios("--upstream", "claude")).stderr).toContain("does not speak OpenAI's chat API");
  });
});
