/** From starting the process to the first call relayed, with the upstream already running and no configuration file. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { relays, stopContender } from "../contenders.mjs";
import { progress, sleep, stop, workFolder } from "../machine.mjs";
import { alternating, median } from "../statistics.mjs";
import { startStaticUpstream } from "../upstreams.mjs";

const TIMES = 10;
const POLL_MS = 2;
const PATIENCE_MS = 30_000;

async function once(contender, upstream) {
  // A folder of its own, so that no configuration file is found.
  const cwd = mkdtempSync(join(workFolder, "empty-"));
  const begin = performance.now();
  const started = await contender.spawn(upstream.url, { fromEnvironment: true, cwd });
  try {
    while (!(await relays(started))) {
      if (performance.now() - begin > PATIENCE_MS) throw new Error(`${contender.name} did not start`);
      await sleep(POLL_MS);
    }
    return performance.now() - begin;
  } finally {
    await stopContender(started);
  }
}

export const start = {
  name: "start",
  async run({ contenders }) {
    const upstream = await startStaticUpstream();
    try {
      const all = await alternating(
        contenders.filter(({ name }) => name !== "direct"),
        TIMES,
        (contender, round) => {
          progress(`start, ${round + 1}/${TIMES}: ${contender.name}`);
          return once(contender, upstream);
        },
      );
      return {
        rows: [...all].map(([name, times]) => ({
          name,
          medianMs: median(times),
          fastestMs: Math.min(...times),
          slowestMs: Math.max(...times),
        })),
      };
    } finally {
      await stop(upstream.child);
    }
  },
  tables({ rows }) {
    return [
      {
        title: `Start to first relayed call, ms, on one core, ${TIMES} times`,
        columns: ["", "median", "fastest", "slowest"],
        rows: rows.map((row) => [
          row.name,
          row.medianMs.toFixed(0),
          row.fastestMs.toFixed(0),
          row.slowestMs.toFixed(0),
        ]),
        notes: [
          `Polled every ${POLL_MS} ms; nginx and Portkey take their upstream from a file or from headers.`,
        ],
      },
    ];
  },
  verdicts({ rows }) {
    const own = rows.find((row) => row.name === "bellwether");
    return own === undefined
      ? []
      : [{ what: "start to first call, ms", value: own.medianMs, target: 400, digits: 0 }];
  },
};
