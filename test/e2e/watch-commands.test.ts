/** `exporter`, `probe` and `doctor` as users run them: the built program in a process of its own. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

let sandbox: Sandbox;
let folder: string;
beforeAll(async () => {
  sandbox = await startSandbox({ knobs: { balance: 40 } });
  folder = await mkdtemp(join(tmpdir(), "bellwether-watch-"));
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

function start(args: readonly string[], env: Record<string, string> = {}) {
  const upstream = { HOLYSHEEP_API_KEY: SANDBOX_KEY, HOLYSHEEP_API_URL: `${sandbox.url}/v1` };
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", ...upstream, ...env },
  });
  const seen = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    seen.stdout += String(text);
  });
  child.stderr.on("data", (text) => {
    seen.stderr += String(text);
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, seen, ended };
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const { seen, ended } = start(args, env);
  return { code: await ended, ...seen };
}

describe("exporter", () => {
  test("runs from the environment alone, and stops in order", async () => {
    const env = { METRICS_INTERVAL: "1s", COLLECT_MODULES: "models,chat,balance", PORT: "0" };
    const { child, seen, ended } = start(["exporter", "--log-level", "warn"], env);
    await until(() => seen.stderr.includes("holysheep: models, chat, balance\n"), true);
    const url = /listens on (\S+)/.exec(seen.stderr)?.[1];
    const page = async () => (await fetch(`${url}/metrics`)).text();
    const balance = 'bellwether_upstream_balance{upstream="holysheep",currency="USD"} 40';
    await until(async () => (await page()).includes(balance), true);
    expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
    expect((await fetch(`${url}/v1/models`)).status).toBe(404);
    const holysheep = await (await fetch(`${url}/metrics?profile=holysheep`)).text();
    expect(holysheep).toContain("\nholysheep_budget_remaining 40\n");
    expect(holysheep).toMatch(
      /^holysheep_requests_total\{model="gpt-4.1-mini",status="200",endpoint="chat"\} [1-9]/m,
    );
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(seen.stdout + seen.stderr).not.toContain(SANDBOX_KEY);
  });

  test("has nothing to do without an upstream, and says what to set", async () => {
    const { code, stderr } = await run(["exporter"], { HOLYSHEEP_API_KEY: "", HOLYSHEEP_API_URL: "" });
    expect(code).toBe(1);
    expect(stderr).toContain("Set HOLYSHEEP_API_KEY");
  });
});

describe("probe", () => {
  test("prints a table, and 0 when all is well", async () => {
    const { code, stdout } = await run(["probe", "--module", "models,chat,balance,tls"]);
    expect(code).toBe(0);
    const [head = "", ...rows] = stdout.trimEnd().split("\n");
    for (const name of [
      "DNS",
      "connect",
      "TLS",
      "1st byte",
      "1st tok",
      "total",
      "status",
      "tokens",
      "cost",
      "verdict",
    ]) {
      expect(head).toContain(name);
    }
    expect(rows).toHaveLength(4);
    expect(rows[1]).toMatch(/^holysheep chat .*ms +200 +\d+\+\d+ +\$0\.0000\d+ {2}ok, gpt-4\.1-mini$/);
    expect(rows[2]).toMatch(/ok, (40|39\.\d+) USD left$/);
  });

  test("is 1 for a wrong key, and JSON for scripts, without the key", async () => {
    const key = "sk-wrong-0123456789";
    const { code, stdout } = await run(["probe", "--json", "-m", "models"], { HOLYSHEEP_API_KEY: key });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { probe: "models", success: false, outcome: "auth", key: "invalid", status: 401 },
    ]);
    expect(stdout).not.toContain(key);
  });

  test("goes on until it is stopped", async () => {
    const { child, seen, ended } = start(["probe", "-m", "models", "--json", "--watch", "1s"]);
    await until(() => seen.stdout.split("\n").length > 2, true);
    child.kill("SIGINT");
    expect(await ended).toBe(0);
  });

  test("knows which upstream was meant", async () => {
    const { code, stderr } = await run(["probe", "holyship"]);
    expect(code).toBe(1);
    expect(stderr).toBe('There is no upstream "holyship". Did you mean "holysheep"?\n');
  });
});

describe("doctor", () => {
  test("finds nothing wrong where nothing is", async () => {
    // A machine that stands still for a second makes the way there slow, and the doctor tells of it.
    let { code, stdout } = await run(["doctor"]);
    for (let tries = 0; tries < 5 && stdout.includes("connect_slow"); tries++)
      ({ code, stdout } = await run(["doctor"]));
    expect(stdout).toContain("holysheep: keys: the upstream accepts it");
    expect(stdout).toContain("holysheep: account: ");
    expect(stdout).toMatch(/Nothing is wrong/);
    expect(code).toBe(0);
  });

  test("says what is wrong and what to do, each thing once", async () => {
    const env = {
      HOLYSHEEP_API_KEY: "sk-wrong-0123456789",
      DEEPSEEK_API_KEY: '"sk-quoted"',
      OPENAI_BASE_URL: "http://127.0.0.1:8000/v1",
    };
    const refused = await run(["doctor", "--json"], env);
    expect(refused.code).toBe(1);
    const ailments = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as { findings: { ailment: string | null }[] }).findings.flatMap(
        // A machine that stands still for a second makes the way there slow.
        ({ ailment }) => (ailment === null || ailment === "connect_slow" ? [] : ailment),
      );
    expect(ailments(refused)).toEqual(["configuration_refused", "base_url_ignored"]);

    const { DEEPSEEK_API_KEY: _, ...rest } = env;
    const wrong = await run(["doctor", "--json", "--prometheus", "http://127.0.0.1:1"], rest);
    expect(wrong.code).toBe(1);
    expect(ailments(wrong)).toEqual(["base_url_ignored", "key_refused", "prometheus_unreachable"]);
    expect(wrong.stdout).not.toContain(rest.HOLYSHEEP_API_KEY);
  });
});
