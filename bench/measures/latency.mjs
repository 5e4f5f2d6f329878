/** Latency added at a fixed open-loop rate: each call is timed from when it was due, not from when it could be sent. */
import { chatRequest, SMALL } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { openLoop, wrk } from "../load.mjs";
import { DISTURBED, DISTURBED_NOTE, keepAwake, progress, sleep, stop, watchCpu } from "../machine.mjs";
import { othersCell, percent } from "../report.mjs";
import { alternating, median, medians } from "../statistics.mjs";
import { startStaticUpstream } from "../upstreams.mjs";

const RATE = 1000;

async function oneRound(contender, upstream, seconds, warmUp) {
  const body = chatRequest(SMALL);
  const started = await startContender(contender, upstream.url);
  const sleepAgain = keepAwake();
  try {
    await wrk(started, body, warmUp);
    await sleep(300);
    const used = watchCpu(started.pid);
    const figures = await openLoop(started, { body }, { rate: RATE, seconds });
    const { busy, others } = used();
    return { ...figures, busy, others };
  } finally {
    await sleepAgain();
    await stopContender(started);
  }
}

/** Every round's figure less the direct calls' figure of the same round, then the median. */
function added(rows, directRows, field) {
  return median(rows.map((row, round) => row[field] - directRows[round][field]));
}

export async function measureLatency({ contenders, seconds, rounds, warmUp }) {
  const upstream = await startStaticUpstream();
  try {
    const all = await alternating(contenders, rounds, async (contender, round) => {
      progress(`latency, round ${round + 1}/${rounds}: ${contender.name}`);
      return oneRound(contender, upstream, seconds, warmUp);
    });
    const direct = all.get("direct");
    return {
      rate: RATE,
      rows: [...all].map(([name, rows]) => ({
        name,
        ...medians(rows),
        addedP50: added(rows, direct, "p50"),
        addedP99: added(rows, direct, "p99"),
        rounds: rows.map((row, round) => ({
          ...row,
          addedP50: row.p50 - direct[round].p50,
          addedP99: row.p99 - direct[round].p99,
        })),
      })),
    };
  } finally {
    await stop(upstream.child);
  }
}

const ms = (microseconds) => (microseconds / 1000).toFixed(3);

export const latency = {
  name: "latency",
  run: measureLatency,
  needsDirect: true,
  tables({ rate, rows }) {
    const direct = rows.find((row) => row.name === "direct");
    return [
      {
        title: `Latency at an open-loop ${rate} calls/s, 64 connections, 1 KB requests (ms)`,
        columns: [
          "",
          "p50",
          "p99",
          "p99.9",
          "max",
          "added p50",
          "added p99",
          "core busy",
          "by others",
          "failed",
          "unfinished",
        ],
        rows: rows.map((row) => [
          row.name,
          ms(row.p50),
          ms(row.p99),
          ms(row.p999),
          ms(row.max),
          row === direct ? "" : ms(row.addedP50),
          row === direct ? "" : ms(row.addedP99),
          row === direct ? "" : percent(row.busy),
          row === direct ? "" : othersCell(row),
          row.failed.toFixed(0),
          row.unfinished.toFixed(0),
        ]),
        notes: [
          `The harness's own share, measured: a call was sent ${ms(direct.sendLateP50)} ms (p99 ${ms(direct.sendLateP99)} ms) after it was due, ` +
            `and cost the client ${direct.clientCpuPerRequest.toFixed(0)} µs of the load core's CPU; both are in every row, direct included.`,
          "p99.9 and max of short runs are few calls. Work of the idle class keeps the cores awake: waking a virtual core takes its host up to 1 ms.",
          ...(rows.some((row) => row !== direct && row.others > DISTURBED) ? [DISTURBED_NOTE] : []),
        ],
      },
    ];
  },
  verdicts({ rows }) {
    return [
      ["bellwether", ""],
      ["no-ledger", " without a ledger"],
    ].flatMap(([name, how]) => {
      const own = rows.find((row) => row.name === name);
      if (own === undefined) return [];
      return [
        { what: `added p50 at 1,000/s${how}, ms`, value: own.addedP50 / 1000, target: 0.2, digits: 3 },
        { what: `added p99 at 1,000/s${how}, ms`, value: own.addedP99 / 1000, target: 2, digits: 3 },
      ];
    });
  },
};
