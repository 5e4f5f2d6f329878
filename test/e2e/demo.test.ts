/** `bellwether demo` as a newcomer runs it: a living page within seconds, and nobody is charged. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BudgetsAnswer, CallsAnswer, Overview, Session, UpstreamsAnswer } from "../../src/http/api.ts";
import { startGateway, total } from "../helpers/gateway.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

interface Summary {
  readonly own: boolean;
  readonly simulated: boolean;
  readonly calls: number;
  readonly failed: number;
  readonly traffic: readonly { endpoint: string; calls: number }[];
}

interface Run {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<number | string>;
}

let folder = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-demo-test-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command in an empty folder, which is the place for temporary files too. */
function bellwether(...args: string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const texts = { stdout: "", stderr: "" };
  child.stdout.on("data", (piece: Buffer) => (texts.stdout += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (texts.stderr += piece.toString()));
  return {
    child,
    get stdout() {
      return texts.stdout;
    },
    get stderr() {
      return texts.stderr;
    },
    ended: new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal ?? "?"))),
  };
}

async function urlIn(run: Run, pattern: RegExp): Promise<string> {
  await until(() => pattern.test(run.stderr), true);
  return pattern.exec(run.stderr)?.[1] ?? "";
}

async function get<Answer>(url: string): Promise<Answer> {
  return (await (await fetch(url)).json()) as Answer;
}

describe("where no Bellwether runs", () => {
  it("starts one with a month's history, sends every kind of call, has an incident, and leaves nothing behind", async () => {
    const run = bellwether("demo", "--own", "--port", "0", "--day", "15s", "--rate", "12", "--json");
    const url = await urlIn(run, /Sending to (http:\S+)\. /);
    const overview = () => get<Overview>(`${url}/api/overview`);
    await until(async () => (await overview()).callsPerSecond > 0 && (await overview()).spend !== null, true);
    const { spend, simulated } = await overview();
    expect(simulated).toBe(true);
    expect(spend?.method).toBe("seasonal");
    expect(Number(spend?.projectedUsd)).toBeGreaterThan(Number(spend?.monthUsd));
    expect((await get<Session>(`${url}/api/session`)).about).toMatchObject({
      apps: ["shop", "support-bot", "research", "search", "studio"],
      upstreams: ["relay", "vendor", "backup"],
      budgets: 2,
      probes: true,
    });
    const { budgets } = await get<BudgetsAnswer>(`${url}/api/budgets`);
    expect(budgets.map(({ name, per }) => [name, per])).toEqual([
      ["shop", "month"],
      ["research", "day"],
    ]);
    expect(Number(budgets[0]?.used)).toBeGreaterThan(0);
    const { calls } = await get<CallsAnswer>(`${url}/api/calls?from=30d&limit=500`);
    expect(calls).toHaveLength(500);
    expect(calls.filter(({ costUsd }) => costUsd === null)).toEqual([]);
    // The relay fails, and its calls go on elsewhere.
    await until(() => run.stderr.includes("the upstream fails"), true);
    const fallbacks = async () =>
      total(parse(await (await fetch(`${url}/metrics`)).text()), "bellwether_fallbacks_total", {
        from: "relay",
      });
    await until(async () => (await fallbacks()) > 0, true);
    const { upstreams } = await get<UpstreamsAnswer>(`${url}/api/upstreams`);
    expect(upstreams.every(({ simulated: each, accounts }) => each && accounts.length > 0)).toBe(true);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);
    const summary = JSON.parse(run.stdout) as Summary;
    expect(summary).toMatchObject({ own: true, simulated: true });
    expect(new Set(summary.traffic.map(({ endpoint }) => endpoint))).toEqual(
      new Set(["chat", "messages", "responses", "generate", "embeddings", "completions", "images", "audio"]),
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("where one runs", () => {
  it("sends to it, as it is simulated too", async () => {
    const server = bellwether("serve", "--port", "0");
    const url = await urlIn(server, /listens on (http:\S+)/);
    expect(server.stderr).toContain("bellwether.js demo");
    const run = bellwether("demo", "--url", url);
    const sent = async () => (await get<Overview>(`${url}/api/overview`)).callsPerSecond > 0;
    await until(sent, true);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);
    expect(run.stdout).toMatch(/^app +model +endpoint +calls/);
    expect(run.stdout).toMatch(/\n\d+ calls, 0 failed, \d+ left by their client\n$/);
  });

  it("sends nothing where somebody may be charged, unless it is told to", async () => {
    const gateway = await startGateway();
    try {
      const refused = bellwether("demo", "--url", gateway.url, "--duration", "1s");
      expect(await refused.ended).toBe(1);
      expect(refused.stderr).toMatch(/go to relay, which may charge .*--own.*--yes-it-costs/);
      expect(gateway.sandbox.books.total({}).calls).toBe(0);
      const paid = bellwether("demo", "--url", gateway.url, "--duration", "1s", "--yes-it-costs", "--json");
      expect(await paid.ended).toBe(0);
      const summary = JSON.parse(paid.stdout) as Summary;
      expect(summary).toMatchObject({ simulated: false, own: false, failed: 0 });
      expect(summary.traffic.filter(({ endpoint }) => ["images", "audio"].includes(endpoint))).toEqual([]);
    } finally {
      await gateway.close();
    }
  });

  it("says what to do when nobody answers there, or a stranger does", async () => {
    const nobody = bellwether("demo", "--url", "http://127.0.0.1:9", "--duration", "1s");
    expect(await nobody.ended).toBe(1);
    expect(nobody.stderr).toContain("does not answer. Start one with `bellwether serve`");
    const gateway = await startGateway();
    try {
      const stranger = bellwether("demo", "--url", gateway.sandbox.url);
      expect(await stranger.ended).toBe(1);
      expect(stranger.stderr).toContain("is not Bellwether");
    } finally {
      await gateway.close();
    }
  });
});

function parse(page: string): Map<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}
