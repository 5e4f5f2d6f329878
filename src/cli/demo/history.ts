/** Weeks of invented calls for the ledger of a demo's own server, so that reports and projections have something to tell. */
import { uuidv7 } from "../../core/ids.ts";
import { bill } from "../../prices/bill.ts";
import type { PriceBook } from "../../prices/book.ts";
import type { Random } from "../../sandbox/random.ts";
import type { LedgerRow } from "../../store/ledger-row.ts";
import { phaseAt, shareOfHour, shareOfWeekday } from "./day.ts";
import { chosen, DEMO_APPS, drawn, WORKLOADS, type Workload } from "./workloads.ts";

export interface HistoryOptions {
  /** Milliseconds since the epoch: before it lies the history. */
  readonly now: number;
  readonly days: number;
  readonly callsPerHour: number;
  readonly random: Random;
  readonly prices: PriceBook;
  /** The upstreams that serve a model, the preferred one first. */
  upstreams(model: string): readonly string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** So many days ago an upstream was unwell, as it will be in the demo. */
const INCIDENT_DAYS_AGO = 5;
/** Share of calls that another upstream than the preferred one served. */
const ELSEWHERE = 0.12;
const FAILED = 0.012;

/** In the order of time. */
export function history(options: HistoryOptions): LedgerRow[] {
  const { now, days, callsPerHour, random } = options;
  const rows: LedgerRow[] = [];
  const first = now - days * DAY_MS;
  for (let start = first; start < now; start += HOUR_MS) {
    const at = new Date(start);
    const growth = 0.7 + (0.5 * (start - first)) / (days * DAY_MS);
    const mean = callsPerHour * shareOfHour(at.getHours()) * shareOfWeekday(at.getDay()) * growth;
    const count = Math.round(mean * (0.85 + 0.3 * random.fraction()));
    const times = Array.from({ length: count }, () => start + random.fraction() * HOUR_MS);
    for (const time of times.sort((a, b) => a - b)) {
      if (time < now) rows.push(row(chosen(WORKLOADS, random), Math.floor(time), options));
    }
  }
  return rows;
}

function row(workload: Workload, startedAt: number, options: HistoryOptions): LedgerRow {
  const { random, prices, now } = options;
  const { app, endpoint, model } = workload;
  const served = options.upstreams(model);
  const elsewhere = served.length > 1 && random.fraction() < ELSEWHERE;
  const upstream = served[elsewhere ? 1 : 0] ?? "relay";
  const date = new Date(startedAt);
  const hour = date.getHours() + date.getMinutes() / 60;
  const daysAgo = Math.floor(now / DAY_MS) - Math.floor(startedAt / DAY_MS);
  const unwell = daysAgo === INCIDENT_DAYS_AGO && upstream === "relay" ? phaseAt(hour) : "well";
  const failed = random.fraction() < (unwell === "failing" ? 0.5 : FAILED);
  const limited = failed && unwell !== "failing" && random.fraction() < 0.4;
  const streaming = random.fraction() < workload.streamed;
  const output = drawn(workload.output, random);
  const quantities = failed ? {} : workload.used(drawn(workload.input, random), output);
  const firstByteMs = drawn([unwell === "slow" ? 1_800 : 240, 1_200], random);
  const firstTokenMs = streaming && !failed ? firstByteMs + drawn([160, 700], random) : undefined;
  const call = { upstream, modelSent: model, startedAt };
  const outcome = { billable: !failed, quantities, serviceTier: "" };
  return {
    id: uuidv7(startedAt),
    startedAt,
    app,
    team: DEMO_APPS[app]?.team ?? "",
    probe: false,
    upstream,
    endpoint,
    modelRequested: model,
    route: "",
    modelSent: model,
    modelLabel: model,
    streaming,
    method: "POST",
    path: workload.path(streaming),
    traceId: "",
    bytesIn: 400,
    status: failed ? (limited ? 429 : 503) : 200,
    errorType: failed ? (limited ? "rate_limit" : "upstream_5xx") : undefined,
    errorCode: undefined,
    modelAnswered: failed ? "" : model,
    upstreamRequestId: "",
    serviceTier: "",
    quantities,
    source: failed ? "missing" : "reported",
    billable: !failed,
    ...bill(prices, call, outcome, model, undefined),
    durationMs: failed ? firstByteMs : (firstTokenMs ?? firstByteMs) + output * 11,
    firstTokenMs,
    firstByteMs,
    sentMs: 0.2 + random.fraction() / 5,
    overheadMs: 0.3 + random.fraction() / 2,
    bytesOut: 200 + output * 5,
    retries: 0,
    interrupted: false,
  };
}
