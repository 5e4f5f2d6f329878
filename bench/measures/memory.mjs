/** Resident memory after half a million calls and after a million: whether it grows, and whose it is. */
import { chatRequest, SMALL } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { wrk } from "../load.mjs";
import { progress, residentBytes, sleep, stop } from "../machine.mjs";
import { startStaticUpstream } from "../upstreams.mjs";

const SLICE_SECONDS = 5;
const REST_MS = 1000;
/** Sampled while calls flow, too: the peak is what a memory limit has to allow for. */
const SAMPLE_MS = 250;

/** One row for all its processes, and one for the first where there are more. */
async function oneContender(contender, upstream, calls) {
  const started = await startContender(contender, upstream.url, { log: "/dev/null" });
  const row = (name, alone) => {
    const resident = () => residentBytes(started.pid, { alone }) / 2 ** 20;
    return { name, resident, startMiB: resident(), peakMiB: 0 };
  };
  const rows = [row(contender.name, false), row(gatewayOf(contender.name), true)];
  const sampler = setInterval(() => {
    for (const each of rows) each.peakMiB = Math.max(each.peakMiB, each.resident());
  }, SAMPLE_MS);
  try {
    let failed = 0;
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
        failed += result.failed;
        const sizes = rows.map((each) => each.resident().toFixed(0));
        progress(`memory: ${contender.name}, ${done} calls, ${sizes.join(", ")} MiB`);
      }
      await sleep(REST_MS);
      for (const each of rows) each[field] = each.resident();
    }
    const [all, alone] = rows.map(({ resident, ...figures }) => ({ ...figures, calls: done, failed }));
    return all.peakMiB > alone.peakMiB ? [all, alone] : [all];
  } finally {
    clearInterval(sampler);
    await stopContender(started);
  }
}

const gatewayOf = (name) => `${name}, without its ledger's process`;

export const memory = {
  name: "memory",
  async run({ contenders, calls }) {
    const upstream = await startStaticUpstream();
    try {
      const rows = [];
      // Portkey would need half an hour for a million calls.
      for (const contender of contenders.filter(({ name }) => name !== "direct" && name !== "portkey"))
        rows.push(...(await oneContender(contender, upstream, calls)));
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
    const all = rows.find((row) => row.name === "bellwether");
    const own = rows.find((row) => row.name === gatewayOf("bellwether"));
    if (all === undefined || own === undefined) return [];
    return [
      { what: `gateway's RSS after ${calls} calls, MiB`, value: own.fullMiB, target: 120, digits: 1 },
      { what: "with the ledger's process, MiB", value: all.fullMiB, target: 300, digits: 1 },
      {
        what: "gateway's growth over the second half, MiB",
        value: own.fullMiB - own.halfMiB,
        target: 5,
        digits: 1,
      },
    ];
  },
};
