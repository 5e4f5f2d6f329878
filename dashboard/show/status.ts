/** How bad an HTTP status is. */
import type { Tone } from "../parts/state-mark.tsx";

/** 499 is a client that left: nobody's failure. */
export function statusTone(status: number): Tone {
  if (status >= 200 && status < 400) return "good";
  if (status === 499) return "idle";
  return status === 429 ? "warn" : "bad";
}
