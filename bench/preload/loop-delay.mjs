/**
 * Preloaded into a Node.js contender: samples its event loop from inside, by how late a 1 ms timer is. Answers the
 * message `take` with percentiles of the lateness, in milliseconds, since the last one, and with its resident memory.
 */
import { performance } from "node:perf_hooks";

const EVERY_MS = 1;
let samples = [];
let last = performance.now();

setInterval(() => {
  const now = performance.now();
  samples.push(Math.max(0, now - last - EVERY_MS));
  last = now;
}, EVERY_MS).unref();

process.on("message", (message) => {
  if (message !== "take") return;
  const sorted = Float64Array.from(samples).sort();
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  process.send?.({
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    rss: process.memoryUsage.rss(),
  });
  samples = [];
});
process.channel?.unref();
