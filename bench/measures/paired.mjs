/**
 * Throughput of contenders beside each other: all are up at a time, and windows of load alternate between them. On a
 * machine that other guests slow down from minute to minute only such pairs can be compared.
 */
import { chatRequest, LARGE, SMALL } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { wrk } from "../load.mjs";
import { progress, stop, watchCpu } from "../machine.mjs";
import { medians } from "../statistics.mjs";
import { startStaticUpstream } from "../upstreams.mjs";

async function window(started, body, seconds) {
  const used = watchCpu(started.pid);
  const result = await wrk(started, body, seconds);
  return {
    callsPerSecond: result.perSecond,
    cpuMicrosecondsPerCall: (used().seconds / result.calls) * 1e6,
    failed: result.failed,
  };
}

/** By size of the body, for each contender: medians, and its windows in their order, the same as the others'. */
export async function measurePaired({ contenders, rounds, windows, seconds, warmUp }) {
  const upstream = await startStaticUpstream();
  const result = {};
  try {
    for (const [size, bytes] of Object.entries({ small: SMALL, large: LARGE })) {
      const body = chatRequest(bytes);
      const all = new Map(contenders.map(({ name }) => [name, []]));
      for (let round = 0; round < rounds; round++) {
        progress(`${size} bodies, round ${round + 1}/${rounds}`);
        const up = [];
        try {
          for (const contender of contenders) {
            const started = await startContender(contender, upstream.url);
            up.push({ name: contender.name, started });
            await wrk(started, body, warmUp);
          }
          for (let turn = 0; turn < windows; turn++) {
            for (const { name, started } of turn % 2 === 0 ? up : up.toReversed())
              all.get(name).push(await window(started, body, seconds));
          }
        } finally {
          for (const { started } of up) await stopContender(started);
        }
      }
      result[size] = [...all].map(([name, rows]) => ({ name, ...medians(rows), windows: rows }));
    }
  } finally {
    await stop(upstream.child);
  }
  return result;
}
