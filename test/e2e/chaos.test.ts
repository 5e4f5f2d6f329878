/** The short version of bench/chaos.mjs: no client notices the trouble of one of two upstreams. */
import { expect, it } from "vitest";
import { chaos } from "../helpers/chaos.ts";

it("an upstream in any trouble costs no client its answer, and is used again when it is well", async () => {
  const { phases, recoveryMs } = await chaos({ phaseMs: 1_200, callsPerSecond: 40 });
  expect(phases).toHaveLength(7);
  for (const { name, calls, failed, attemptsPerCall } of phases) {
    expect(failed, name).toBe(0);
    expect(calls, name).toBeGreaterThan(5);
    // Three at the first upstream at most, and one at the second; far fewer once its breaker is open.
    expect(attemptsPerCall, name).toBeLessThanOrEqual(2);
  }
  expect(phases[0]?.attemptsPerCall).toBe(1);
  expect(recoveryMs).toBeDefined();
});
