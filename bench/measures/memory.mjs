/** Resident memory after half a million calls and after a million: whether it grows. */
import { chatRequest, SMALL } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { wrk } from "../load.mjs";
import { progress, residentBytes, sleep, stop } from "../machine.mjs";
import { startStaticUpstream } from "../upstreams.mjs";

const SLICE_SECONDS = 5;
const REST_MS = 1000;
/** Sampled while calls flow, too: the peak is what a memory limit has to allow for. */
const SAMPLE_MS = 250;

async function oneContender(contender, upstream, calls) {
  const started = await startContender(contender, upstream.url, { log: "/dev/null" });
  const resident = () => residentBytes(started.pid) / 2 ** 20;
  let peakMiB = 0;
  const sampler = setInterval(() => {
    peakMiB = Math.max(peakMiB, resident());
  }, SAMPLE_MS);
  try {
    const row = { name: contender.name, startMiB: resident(), failed: 0 };
    let done = 0;
    let perSecond = 0;
    for (const [field, goal] of [
      ["halfMiB", calls / 2],
      ["fullMiB", calls],
    ]) {
      while (done < goal) {
        const needed = perSecond === 0 ? 1 : Math.ceil((goal - done) / perSecond);
        const result = await wrk(started, chatRequest(SMALL), Math.min(SLICE_SECONDS, needed));
        done += result.calls;
        perSecond = result.perSecond;
        row.failed += result.failed;
        progress(`memory: ${contender.name}, ${done} calls, ${resident().toFixed(0)} MiB`);
      }
      await sleep(REST_MS);
      row[field] = resident();
    }
    return { ...row, calls: done, peakMiB };
  } finally {
    clearInterval(sampler);
    await stopContender(started);
  }
}

export const memory = {
  name: "memory",
  async run({ contenders, calls }) {
    const upstream = await startStaticUpstream();
    try {
      const rows = [];
      // Portkey would need half an hour for a million calls.
      for (const contender of contenders.filter(({ name }) => name !== "direct" && name !== "portkey"))
        rows.push(await oneContender(contender, upstream, calls));
      return { calls, rows };
    } finally {
      await stop(upstream.child);
    }
  },
  tables({ calls, rows }) {
    return [
      {
        title: `Resident memory, MiB, over ${calls} small calls`,
        columns: ["", "at start", "after half", "after all", "peak", "calls", "failed"],
        rows: rows.map((row) => [
          row.name,
          row.startMiB.toFixed(1),
          row.halfMiB.toFixed(1),
          row.fullMiB.toFixed(1),
          row.peakMiB.toFixed(1),
          String(row.calls),
          String(row.failed),
        ]),
      },
    ];
  },
  verdicts({ calls, rows }) {
    const own = rows.find((row) => row.name === "bellwether");
    if (own === undefined) return [];
    return [
      { what: `RSS after ${calls} calls, MiB`, value: own.fullMiB, target: 120, digits: 1 },
      {
        what: "RSS growth over the second half, MiB",
        value: own.fullMiB - own.halfMiB,
        target: 5,
        digits: 1,
      },
    ];
  },
};
