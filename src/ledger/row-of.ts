/** Joins a call's start and how it ended. */
import type { LedgerRow } from "../store/ledger-row.ts";
import type { Call } from "../usage/usage.ts";
import type { Outcome } from "./journal/records.ts";

/** Every field is written out: objects made by spreading so many are slow to make and slow to read. */
export function rowOf(call: Call, outcome: Outcome, interrupted: boolean): LedgerRow {
  return {
    id: call.id,
    startedAt: call.startedAt,
    app: call.app,
    team: call.team,
    probe: call.probe,
    upstream: call.upstream,
    endpoint: call.endpoint,
    modelRequested: call.modelRequested,
    route: call.route,
    modelSent: call.modelSent,
    modelLabel: call.modelLabel,
    streaming: call.streaming,
    method: call.method,
    path: call.path,
    traceId: call.traceId,
    bytesIn: call.bytesIn,
    status: outcome.status,
    errorType: outcome.errorType,
    errorCode: outcome.errorCode,
    modelAnswered: outcome.modelAnswered,
    upstreamRequestId: outcome.upstreamRequestId,
    serviceTier: outcome.serviceTier,
    quantities: outcome.quantities,
    source: outcome.source,
    billable: outcome.billable,
    cost: outcome.cost,
    listCost: outcome.listCost,
    durationMs: outcome.durationMs,
    firstTokenMs: outcome.firstTokenMs,
    firstByteMs: outcome.firstByteMs,
    sentMs: outcome.sentMs,
    overheadMs: outcome.overheadMs,
    bytesOut: outcome.bytesOut,
    retries: outcome.retries,
    interrupted,
  };
}
