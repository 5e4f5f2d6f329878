/** The log of the built program, as a terminal shows it and as a pipe gets it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { RawClient, request } from "../helpers/raw-client.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));
const [PROMPT, KEY] = ["PROMPT-who-leads-the-flock", "sk-KEY-0b5c1d"];
const SECRETS = new RegExp(`${PROMPT}|${KEY}|${SANDBOX_KEY}`);
/** What terminals obey: colours, and whatever a client has put into a name. */
const ESC = "\x1b";
const CONTROLS = new RegExp(`[${ESC}\x80-\x9f]`);
const COLOURS = new RegExp(`${ESC}\\[\\d+m`, "g");
const INFO_LINE = new RegExp(String.raw`^\[\d\d:\d\d:\d\d\.\d{3}\] ${ESC}\[32mINFO${ESC}\[39m: `);

let sandbox: Sandbox;
let folder: string;
let file: string;
beforeAll(async () => {
  sandbox = await startSandbox();
  folder = await mkdtemp(join(tmpdir(), "bellwether-log-"));
  file = join(folder, "bellwether.yaml");
  // JSON is YAML.
  const config = {
    server: { port: 0 },
    ledger: { enabled: false },
    upstreams: {
      relay: { baseUrl: `${sandbox.url}/v1`, apiKey: SANDBOX_KEY },
      broken: { baseUrl: "http://127.0.0.1:1/v1", apiKey: SANDBOX_KEY },
    },
    models: { broken: { upstreams: ["broken"] } },
  };
  await writeFile(file, JSON.stringify(config));
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

/** Calls of every outcome, with a key and a prompt wherever they may be; resolves to how many. */
async function callAll(url: string): Promise<number> {
  const body = (model: string): string =>
    JSON.stringify({ model, max_tokens: 5, messages: [{ role: "user", content: PROMPT }] });
  const path = "/v1/chat/completions";
  const calls = [
    request("POST", path, [`Authorization: Bearer ${KEY}`], body("gpt-4.1")),
    request("POST", `${path}?key=${KEY}`, [`X-Goog-Api-Key: ${KEY}`], body("gpt-4.1-mini")),
    request("POST", `${path}?key=${KEY}`, [`X-Api-Key: ${KEY}`], body("broken")),
    request("POST", path, [], body("x\x1b[2J\n\u009b2J")),
    request("POST", `/nowhere/${PROMPT}?key=${KEY}`, [], PROMPT),
  ];
  for (const call of calls) {
    const client = await RawClient.open(url, call);
    await client.answer();
    client.close();
  }
  return calls.length;
}

/** Runs the program until it has served all these calls; resolves to what it printed once it listened. */
async function printed(
  child: ChildProcess,
  pidOf: (all: string) => number,
): Promise<[calls: number, lines: string[]]> {
  let all = "";
  let log = "";
  child.stdout?.on("data", (text: Buffer) => {
    all += text.toString();
    log += text.toString();
  });
  child.stderr?.on("data", (text: Buffer) => {
    all += text.toString();
  });
  await until(() => /metrics: \S+\s/.test(all), true);
  const calls = await callAll(/listens on \S*(http:[\w/:.]+)/.exec(all)?.[1] ?? "");
  process.kill(pidOf(all), "SIGTERM");
  await once(child, "close");
  return [calls, log.split(/\r?\n/).filter((line) => line !== "")];
}

describeWithProgram("script", "on a terminal", (script) => {
  /** `script` gives it one, and passes on all that is shown there. */
  async function shown(
    args: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<[number, string[]]> {
    const command = `echo "pid $$"; exec "${process.execPath}" "${PROGRAM}" serve --config "${file}" ${args}`;
    const child = spawn(script, ["-qec", command, "/dev/null"], {
      cwd: folder,
      env: { PATH: process.env.PATH, SHELL: "/bin/sh", TERM: "xterm", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [calls, lines] = await printed(child, (all) => Number(/pid (\d+)/.exec(all)?.[1]));
    const end = lines.findIndex((line) => line.includes("SIGTERM"));
    const begin = lines.findIndex((line) => line.includes("metrics: ")) + 1;
    return [calls, [...lines.slice(begin, end), ...lines.slice(end + 1)]];
  }

  it("a call is a line in colours, without keys, bodies and what a name tells the terminal to do", async () => {
    const [calls, lines] = await shown("");
    for (const line of lines) {
      expect(line).toMatch(INFO_LINE);
      const text = line.replace(COLOURS, "");
      expect(text).toMatch(/: (call|the upstream's key is good) \{".*\}$/);
      expect(text).not.toMatch(CONTROLS);
      expect(text).not.toMatch(SECRETS);
    }
    expect(lines.filter((line) => line.includes("call"))).toHaveLength(calls);
    expect(lines.join("")).toContain('"error":"unreachable"');
  });

  it("NO_COLOR takes the colours away, and nothing else", async () => {
    const [calls, lines] = await shown("", { NO_COLOR: "1" });
    for (const line of lines) expect(line).toMatch(/^\[[\d:.]+\] INFO: \w.* \{".*\}$/);
    expect(lines.filter((line) => line.includes(" call {"))).toHaveLength(calls);
    expect(lines.join("")).not.toMatch(CONTROLS);
  });
});

describe("in a pipe", () => {
  const run = (...args: string[]) =>
    spawn(process.execPath, [PROGRAM, "serve", "--config", file, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
  const piped = async (...args: string[]) => {
    const child = run(...args);
    return printed(child, () => child.pid ?? 0);
  };

  it("a call is a line of JSON", async () => {
    const [calls, lines] = await piped();
    const messages = lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
    expect(messages.filter((msg) => msg === "call")).toHaveLength(calls);
    expect(lines.join("")).not.toMatch(CONTROLS);
    expect(lines.join("")).not.toMatch(SECRETS);
  });

  it("calls are not logged from --log-level warn on", async () => {
    expect((await piped("--log-level", "warn"))[1]).toEqual([]);
  });

  it("a --log-level that there is not is refused", async () => {
    const child = run("--log-level", "loud");
    let said = "";
    child.stderr.on("data", (text: Buffer) => {
      said += text.toString();
    });
    const [code] = await once(child, "close");
    expect([code, said]).toEqual([1, expect.stringContaining("Use one of trace, debug, info")]);
  });
});
