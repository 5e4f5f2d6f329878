/** Calls per second and CPU per call on one core, as fast as 64 connections ask. */
import { chatRequest, LARGE, SMALL } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { wrk } from "../load.mjs";
import { DISTURBED, DISTURBED_NOTE, progress, residentBytes, stop, watchCpu } from "../machine.mjs";
import { othersCell } from "../report.mjs";
import { alternating, medians } from "../statistics.mjs";
import { startStaticUpstream } from "../upstreams.mjs";

/** Below this share of its core, it was not the contender that set the pace. */
const BUSY_ENOUGH = 0.93;

async function oneRound(contender, upstream, body, seconds, warmUp) {
  const started = await startContender(contender, upstream.url);
  try {
    await wrk(started, body, warmUp);
    const used = watchCpu(started.pid);
    const result = await wrk(started, body, seconds);
    const cpu = used();
    return {
      callsPerSecond: result.perSecond,
      cpuMicrosecondsPerCall: (cpu.seconds / result.calls) * 1e6,
      busy: cpu.busy,
      others: cpu.others,
      failed: result.failed,
      residentMiB: started.pid === undefined ? 0 : residentBytes(started.pid) / 2 ** 20,
    };
  } finally {
    await stopContender(started);
  }
}

export async function measureThroughput({ contenders, seconds, rounds, warmUp }) {
  const upstream = await startStaticUpstream();
  const result = {};
  try {
    for (const [size, bytes] of Object.entries({ small: SMALL, large: LARGE })) {
      const body = chatRequest(bytes);
      const all = await alternating(contenders, rounds, async (contender, round) => {
        progress(`throughput, ${size} bodies, round ${round + 1}/${rounds}: ${contender.name}`);
        return oneRound(contender, upstream, body, seconds, warmUp);
      });
      result[size] = [...all].map(([name, rows]) => ({ name, ...medians(rows), rounds: rows }));
    }
  } finally {
    await stop(upstream.child);
  }
  return result;
}

function notes(rows) {
  const lines = [];
  if (rows.some((row) => row.busy < BUSY_ENOUGH && row.others <= DISTURBED))
    lines.push(
      "* Its core was not fully busy: load generator and upstream set the pace; its CPU per call still holds.",
    );
  if (rows.some((row) => row.others > DISTURBED)) lines.push(DISTURBED_NOTE);
  return lines;
}

export const throughput = {
  name: "throughput",
  run: measureThroughput,
  tables(result) {
    return Object.entries(result).map(([size, rows]) => {
      const of = (name) => rows.find((row) => row.name === name);
      const ratio = (value, base) =>
        base === undefined || !(base > 0) ? "" : `${(value / base).toFixed(2)}×`;
      return {
        title: `Throughput on one core, 64 connections, ${size === "small" ? "1 KB" : "64 KB"} requests, 760-byte answers`,
        columns: [
          "",
          "calls/s",
          "of nginx",
          "of portkey",
          "CPU µs/call",
          "of nginx",
          "core busy",
          "by others",
          "RSS MiB",
          "failed",
        ],
        rows: rows.map((row) => {
          const process = row.name !== "direct";
          return [
            row.name,
            row.callsPerSecond.toFixed(0),
            ratio(row.callsPerSecond, of("nginx")?.callsPerSecond),
            ratio(row.callsPerSecond, of("portkey")?.callsPerSecond),
            process ? row.cpuMicrosecondsPerCall.toFixed(1) : "",
            process ? ratio(row.cpuMicrosecondsPerCall, of("nginx")?.cpuMicrosecondsPerCall) : "",
            process
              ? `${(row.busy * 100).toFixed(0)} %${row.busy < BUSY_ENOUGH && row.others <= DISTURBED ? " *" : ""}`
              : "",
            process ? othersCell(row) : "",
            process ? row.residentMiB.toFixed(0) : "",
            row.failed.toFixed(0),
          ];
        }),
        notes: notes(rows.filter((row) => row.name !== "direct")),
      };
    });
  },
  verdicts(result) {
    const of = (name) => result.small.find((row) => row.name === name);
    const portkey = of("portkey");
    return [
      ["", of("bellwether")],
      [" without a ledger", of("no-ledger")],
    ].flatMap(([how, own]) => {
      if (own === undefined) return [];
      const { callsPerSecond } = own;
      const verdict = (what, value, target, digits) => {
        return { what: `small bodies${how}, ${what}`, value, target, atLeast: true, digits };
      };
      const times = portkey === undefined ? [] : [callsPerSecond / portkey.callsPerSecond];
      return [
        verdict("calls/s", callsPerSecond, 12_000, 0),
        ...times.map((value) => verdict("times Portkey", value, 18, 1)),
      ];
    });
  },
};
