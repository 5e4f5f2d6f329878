/** The one table of measures; each has `run(options)`, `tables(result)` and `verdicts(result)`. */
import { latency } from "./latency.mjs";
import { memory } from "./memory.mjs";
import { recording } from "./recording.mjs";
import { scrape } from "./scrape.mjs";
import { start } from "./start.mjs";
import { streams } from "./streams.mjs";
import { throughput } from "./throughput.mjs";

export const measures = [throughput, latency, streams, scrape, recording, memory, start];
