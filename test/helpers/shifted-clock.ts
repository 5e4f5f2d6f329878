/** Time that passes when a test says so, for all that gateways of this process measure by the monotonic clock. */
import { vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";

/** From now on; the function that is returned lets time pass. `vi.restoreAllMocks()` ends it. */
export function shiftClock(): (ms: number) => void {
  let ahead = 0;
  const { monotonic } = systemClock;
  vi.spyOn(systemClock, "monotonic").mockImplementation(() => monotonic() + ahead);
  return (ms) => {
    ahead += ms;
  };
}
