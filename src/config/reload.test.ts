import { expect, test, vi } from "vitest";
import { defaultConfig } from "./defaults.ts";
import type { Loaded } from "./load.ts";
import { ConfigError } from "./problems.ts";
import { Reloader, type ReloadResult } from "./reload.ts";
import type { Config } from "./schema.ts";

const loaded = (config: Config = defaultConfig): Loaded => ({
  config,
  file: "/etc/bellwether.yaml",
  files: [],
  warnings: [],
  locate: () => undefined,
});
const withPort = (port: number) => ({ ...defaultConfig, server: { ...defaultConfig.server, port } });
const quiet: Config = { ...defaultConfig, log: { ...defaultConfig.log, level: "error" } };
const problem = { path: "server.prot", message: "unknown key" };

function setUp(load: () => Promise<Loaded>, apply: (next: Loaded) => void = () => {}) {
  let now = 1_000;
  const results: ReloadResult[] = [];
  const reloader = new Reloader({
    initial: loaded(),
    load: vi.fn(load),
    apply,
    onResult: (result) => results.push(result),
    clock: { wall: () => now },
  });
  return {
    reloader,
    results,
    at: (ms: number) => {
      now = ms;
    },
  };
}

test("a good configuration is put into force", async () => {
  const applied: Loaded[] = [];
  const { reloader, at } = setUp(
    async () => loaded(quiet),
    (next) => applied.push(next),
  );
  at(2_000);
  const result = await reloader.reload("SIGHUP");
  expect(result).toEqual({ reason: "SIGHUP", success: true, problems: [], restartNeeded: [], warnings: [] });
  expect(applied.map(({ config }) => config)).toEqual([quiet]);
  expect(reloader.current.config).toBe(quiet);
  expect(reloader.status).toEqual({ success: true, loadedAt: 2_000 });
});

test("a bad configuration is refused with its problems, and the last good one stays", async () => {
  const apply = vi.fn();
  const { reloader, results, at } = setUp(() => Promise.reject(new ConfigError([problem])), apply);
  at(2_000);
  const result = await reloader.reload("file changed");
  expect(result).toMatchObject({ success: false, problems: [problem] });
  expect(results).toEqual([result]);
  expect(apply).not.toHaveBeenCalled();
  expect(reloader.current.config).toBe(defaultConfig);
  expect(reloader.status).toEqual({ success: false, loadedAt: 1_000 });
});

test("a configuration that cannot be applied is refused too", async () => {
  const { reloader } = setUp(
    async () => loaded(quiet),
    () => {
      throw new Error("no such histogram");
    },
  );
  expect(await reloader.reload("SIGHUP")).toMatchObject({
    success: false,
    problems: [{ message: "no such histogram" }],
  });
  expect(reloader.current.config).toBe(defaultConfig);
});

test("after a bad one a good one succeeds again", async () => {
  let good = false;
  const { reloader } = setUp(async () => {
    if (!good) throw new ConfigError([problem]);
    return loaded(quiet);
  });
  await reloader.reload("SIGHUP");
  good = true;
  await reloader.reload("SIGHUP");
  expect(reloader.status.success).toBe(true);
});

test("settings that need a restart are named, as long as they differ from those at the start", async () => {
  let port = 9_000;
  const { reloader } = setUp(async () => loaded(withPort(port)));
  expect((await reloader.reload("SIGHUP")).restartNeeded).toEqual(["server.port"]);
  expect((await reloader.reload("SIGHUP")).restartNeeded).toEqual(["server.port"]);
  port = 8_000;
  expect((await reloader.reload("SIGHUP")).restartNeeded).toEqual([]);
});

test("one reload runs at a time, and all asked for meanwhile are one more", async () => {
  let running = 0;
  let most = 0;
  let count = 0;
  const { reloader, results } = setUp(async () => {
    most = Math.max(most, ++running);
    count++;
    await new Promise((resolve) => setTimeout(resolve, 10));
    running--;
    return loaded();
  });
  await Promise.all([1, 2, 3, 4].map((i) => reloader.reload(`${i}`)));
  expect({ most, count }).toEqual({ most: 1, count: 2 });
  expect(results.map(({ reason }) => reason)).toEqual(["1", "2"]);
});

test("the file of the start is loaded again, not searched for", async () => {
  const load = vi.fn(async () => loaded());
  const { reloader } = setUp(load);
  await reloader.reload("SIGHUP");
  expect(load).toHaveBeenCalledWith("/etc/bellwether.yaml");
});
