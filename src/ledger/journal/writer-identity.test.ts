import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { isAlive, ownIdentity, STALE_MS } from "./writer-identity.ts";

const own = ownIdentity("writer");

test("this process lives, however long it has had nothing to write", () => {
  expect(isAlive(own, 0)).toBe(true);
  if (existsSync("/proc/self/stat")) expect(isAlive(own, Number.MAX_SAFE_INTEGER)).toBe(true);
});

test("a process that was killed is dead at once, even before anybody has waited for it", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  const identity = { ...own, pid: child.pid ?? 0, startedAt: "" };
  expect(isAlive(identity, 0)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(identity, 0)).toBe(false);
});

test.runIf(existsSync("/proc/self/stat"))(
  "an id that was given to another process is not that writer",
  () => {
    expect(isAlive({ ...own, startedAt: "1" }, 0)).toBe(false);
  },
);

test("a writer of another host or container lives until it has been silent for two minutes", () => {
  const elsewhere = { ...own, scope: "another container", pid: 999_999_999 };
  expect(isAlive(elsewhere, STALE_MS - 1)).toBe(true);
  expect(isAlive(elsewhere, STALE_MS)).toBe(false);
});
