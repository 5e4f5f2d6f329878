import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Sandbox, startSandbox } from "../sandbox/server.ts";
import { sandboxCommand } from "./sandbox.ts";

let printed = "";
beforeEach(() => {
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const run = (...args: string[]) =>
  sandboxCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parseAsync(args, { from: "user" });

const stop = () => process.emit("SIGINT", "SIGINT");

it("says that it is simulated, how to try it, and stops when told", async () => {
  const running = run("--port", "0");
  await expect.poll(() => printed).toContain("Ctrl+C");
  expect(printed).toContain("SIMULATED");
  expect(printed.match(/^ {2}curl /gm)).toHaveLength(3);
  expect(printed).toContain("tokensPerSecond");
  const url = /http:\/\/\S+:\d+/.exec(printed)?.[0] ?? "";
  expect((await fetch(`${url}/sandbox`)).status).toBe(200);
  stop();
  await running;
  await expect(fetch(`${url}/sandbox`)).rejects.toThrow();
});

it("takes keys, knobs and a latency, and prints one line of JSON when asked", async () => {
  const running = run(
    "--port",
    "0",
    "--json",
    "--key",
    "k1",
    "--key",
    "k2",
    "--latency",
    "5",
    "--knobs",
    "output=3",
  );
  await expect.poll(() => printed).toMatch(/\}\n$/);
  const { url, simulated } = JSON.parse(printed) as { url: string; simulated: boolean };
  expect(simulated).toBe(true);
  expect(await (await fetch(`${url}/sandbox/knobs`)).json()).toEqual({ latency: "5", output: 3 });
  const status = async (key: string) =>
    (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
  expect([await status("k1"), await status("k2"), await status("sk-sandbox")]).toEqual([200, 200, 401]);
  stop();
  await running;
});

it("rejects with what is wrong: a taken port, a bad port, a bad knob", async () => {
  const other: Sandbox = await startSandbox();
  await expect(run("--port", String(other.port))).rejects.toMatchObject({ code: "EADDRINUSE" });
  await other.close();
  await expect(run("--port", "70000")).rejects.toThrow(/A port is a number from 0 to 65535/);
  await expect(run("--port", "0", "--knobs", "nonsense")).rejects.toThrow(/no knob is called nonsense/);
});
