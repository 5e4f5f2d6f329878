/** Many concurrent token streams: CPU per relayed chunk and its delay; then memory per open, idle stream. */
import { chatRequest, SMALL, streamRequest } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { streamSink, wrk } from "../load.mjs";
import {
  cpuSeconds,
  DISTURBED,
  DISTURBED_NOTE,
  progress,
  requireAlive,
  residentBytes,
  sleep,
  stop,
  watchCpu,
} from "../machine.mjs";
import { fixed, othersCell, percent } from "../report.mjs";
import { alternating, medians } from "../statistics.mjs";
import { startStreamSource } from "../upstreams.mjs";

const INTERVAL_MS = 20;
const RAMP_SECONDS = 2;
/** So long an idle process is left alone before its memory is read. */
const REST_MS = 2000;

/** The clock of native/clock.h. */
const monotonicSeconds = () => Number(process.hrtime.bigint()) / 1e9;

async function busyStreams(contender, streams, seconds, warmUp) {
  const source = await startStreamSource(INTERVAL_MS);
  const started = await startContender(contender, source.url, { streaming: true });
  try {
    // The streams themselves are the warm-up; they are long enough that the first still runs when the window ends,
    // even if the last is late: the client waits for it up to three times the ramp and a second.
    const tokens = Math.ceil(((3 * RAMP_SECONDS + warmUp + seconds + 2) * 1000) / INTERVAL_MS);
    const plan = { streams, ramp: RAMP_SECONDS, settle: warmUp, window: seconds };
    const sink = streamSink(started, streamRequest(tokens), plan);
    const sinkStarted = monotonicSeconds();
    const ramped = await sink.turn("ramped");
    const begin = await sink.turn("window-start");
    const used = watchCpu(started.pid);
    const sourceBefore = cpuSeconds(source.pid);
    const end = await sink.turn("window-end");
    const cpu = used();
    const load = cpuSeconds(source.pid) - sourceBefore + end.cpuSeconds - begin.cpuSeconds;
    const last = await sink.turn("finished");
    requireAlive(source.child, "the stream source");
    if (started.child !== undefined) requireAlive(started.child, contender.name);
    const wall = end.at - begin.at;
    const chunks = end.events - begin.events;
    return {
      open: Math.min(begin.open, end.open),
      rampSeconds: ramped.at - sinkStarted,
      chunksPerSecond: chunks / wall,
      cpuMicrosecondsPerChunk: (cpu.seconds / chunks) * 1e6,
      busy: cpu.busy,
      others: cpu.others,
      delayP50: last.delayP50,
      delayP99: last.delayP99,
      loadBusy: load / wall,
      failed: last.failed,
      // Whole streams arrive: their first, their tokens and their finish, and never a usage chunk nobody asked for.
      missingChunks: streams * (tokens + 2) - last.events,
      unendedStreams: streams - last.done,
      usageChunks: last.usageEvents,
    };
  } finally {
    await stopContender(started);
    await stop(source.child);
  }
}

async function idleStreams(contender, streams, warmUp) {
  const source = await startStreamSource(0);
  const started = await startContender(contender, source.url, { streaming: true });
  try {
    await wrk(started, chatRequest(SMALL), warmUp);
    await sleep(REST_MS);
    // The one that has the streams: a ledger's process goes up and down by more than they take.
    const before = residentBytes(started.pid, { alone: true });
    const sink = streamSink(started, streamRequest(1), {
      streams,
      ramp: RAMP_SECONDS,
      settle: 600,
      window: 1,
    });
    const { open } = await sink.turn("ramped");
    await sleep(REST_MS);
    const after = residentBytes(started.pid, { alone: true });
    await stop(sink.child);
    return {
      open,
      beforeMiB: before / 2 ** 20,
      afterMiB: after / 2 ** 20,
      kibPerStream: (after - before) / 1024 / open,
    };
  } finally {
    await stopContender(started);
    await stop(source.child);
  }
}

export const streams = {
  name: "streams",
  async run({ contenders, seconds, rounds, warmUp, streamCount }) {
    const busy = await alternating(contenders, rounds, (contender, round) => {
      progress(`streams, busy, round ${round + 1}/${rounds}: ${contender.name}`);
      return busyStreams(contender, streamCount, seconds, warmUp);
    });
    const withProcess = contenders.filter((contender) => contender.name !== "direct");
    const idle = await alternating(withProcess, rounds, (contender, round) => {
      progress(`streams, idle, round ${round + 1}/${rounds}: ${contender.name}`);
      return idleStreams(contender, streamCount, warmUp);
    });
    const table = (all) => [...all].map(([name, rows]) => ({ name, ...medians(rows), rounds: rows }));
    return { streamCount, busy: table(busy), idle: table(idle) };
  },
  tables({ streamCount, busy, idle }) {
    const offered = (streamCount * 1000) / INTERVAL_MS;
    return [
      {
        title: `${streamCount} concurrent streams at ${1000 / INTERVAL_MS} tokens/s each (${offered} chunks/s), on one core`,
        columns: [
          "",
          "open",
          "ramp s",
          "chunks/s",
          "CPU µs/chunk",
          "core busy",
          "by others",
          "delay p50 ms",
          "p99 ms",
          "load core",
          "failed",
          "missing",
          "usage chunks",
        ],
        rows: busy.map((row) => [
          row.name,
          row.open.toFixed(0),
          row.rampSeconds.toFixed(1),
          row.chunksPerSecond.toFixed(0),
          row.name === "direct" ? "" : fixed(row.cpuMicrosecondsPerChunk, 1),
          row.name === "direct" ? "" : percent(row.busy),
          row.name === "direct" ? "" : othersCell(row),
          (row.delayP50 / 1000).toFixed(2),
          (row.delayP99 / 1000).toFixed(2),
          percent(row.loadBusy),
          row.failed.toFixed(0),
          row.missingChunks.toFixed(0),
          row.usageChunks.toFixed(0),
        ]),
        notes: [
          "Fewer open streams, or a longer ramp than asked, mean that the contender could not take them all on in time.",
          "A chunk's delay is from its writing by the generator to its reading by the client; “load core” is what these two cost.",
          "A saturated contender reads several chunks at once, so its CPU per chunk flatters it: look at delay and core too.",
          ...(busy.some((row) => row.name !== "direct" && row.others > DISTURBED) ? [DISTURBED_NOTE] : []),
        ],
      },
      {
        title: `Memory of ${streamCount} open, idle streams`,
        columns: ["", "open", "before MiB", "with streams MiB", "KiB per stream"],
        rows: idle.map((row) => [
          row.name,
          row.open.toFixed(0),
          row.beforeMiB.toFixed(1),
          row.afterMiB.toFixed(1),
          fixed(row.kibPerStream, 1),
        ]),
        notes: ["Resident memory of the process; the kernel's socket buffers are not in it."],
      },
    ];
  },
  verdicts({ busy, idle }) {
    const own = busy.find((row) => row.name === "bellwether");
    if (own === undefined) return [];
    return [
      { what: "streaming, CPU µs per chunk", value: own.cpuMicrosecondsPerChunk, target: 25, digits: 1 },
      {
        what: "streaming, failed or unended streams and missing or surplus chunks",
        value: own.failed + own.unendedStreams + Math.abs(own.missingChunks) + own.usageChunks,
        target: 0,
        digits: 0,
      },
      {
        what: "KiB per idle stream",
        value: idle.find((row) => row.name === "bellwether").kibPerStream,
        target: 40,
        digits: 1,
      },
    ];
  },
};
