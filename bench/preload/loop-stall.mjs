/**
 * Preloaded into a Node.js contender: watches its event loop from inside. Answers the message `take` with the longest
 * time, in milliseconds, that a 1 ms timer was late since the last one, then starts afresh.
 */
import { performance } from "node:perf_hooks";

const EVERY_MS = 1;
let last = performance.now();
let longest = 0;

const timer = setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last - EVERY_MS);
  last = now;
}, EVERY_MS);
timer.unref();

if (process.send !== undefined) {
  process.on("message", (message) => {
    if (message !== "take") return;
    const now = performance.now();
    process.send?.({ longestStallMs: Math.max(longest, now - last - EVERY_MS) });
    longest = 0;
    last = now;
  });
  process.channel?.unref();
}
