/** Hard budgets under load while the gateway or Redis is killed; bench/budget-kills.mjs goes on for longer. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { killGateways, killRedis, RESERVED } from "../helpers/budget-kills.ts";
import { describeWithProgram } from "../helpers/system-program.ts";

const program = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

it("a gateway that was killed under 64 callers knows what the ledger knows, and never passes the budget", async () => {
  const limit = 30_000;
  const found = await killGateways({ program, kills: 2, longestMs: 500, limit });
  expect(found.calls).toBeGreaterThan(0);
  expect(found.restored).toBe(found.inLedger);
  // What no process saw the end of is all that the ledger does not know, and was reserved when it was sent.
  expect(found.inBooks - found.inLedger).toBeGreaterThanOrEqual(0);
  expect(found.inBooks - found.inLedger).toBeLessThanOrEqual(found.interrupted * RESERVED);
  expect(found.usedAtEnd).toBeLessThanOrEqual(limit);
  // And it is used up to the last call that fits.
  expect(limit - found.usedAtEnd).toBeLessThan(RESERVED);
}, 300_000);

describeWithProgram("redis-server", "Redis killed under three gateways", (redisProgram) => {
  it("counts every call exactly once when it is back with what it had, and holds the budget", async () => {
    const limit = 40_000;
    const options = { program, redisProgram, persistent: true, kills: 2, longestMs: 600, limit };
    const found = await killRedis(options);
    expect(found.calls).toBeGreaterThan(0);
    expect(found.unavailable).toBeGreaterThan(0);
    expect([found.used, found.reserved]).toEqual([found.inBooks, 0]);
    expect(found.used).toBeLessThanOrEqual(limit);
  }, 300_000);
});
