/** Rows of a ledger for tests. */
import type { LedgerRow } from "../../src/store/ledger-row.ts";

/** A call of 2026-08-01 with believable values, and some of them replaced. */
export function ledgerRow(over: Partial<LedgerRow> = {}): LedgerRow {
  return {
    id: "0198639f-a000-7000-8000-000000000001",
    startedAt: Date.UTC(2026, 7, 1, 12, 0, 0, 5),
    app: "shop",
    team: "commerce",
    probe: false,
    upstream: "holysheep",
    endpoint: "chat",
    modelRequested: "gpt-4.1",
    route: "",
    modelSent: "gpt-4.1",
    modelLabel: "gpt-4.1",
    streaming: true,
    method: "POST",
    path: "/v1/chat/completions",
    traceId: "",
    bytesIn: 120,
    status: 200,
    errorType: undefined,
    errorCode: undefined,
    modelAnswered: "gpt-4.1-2025-04-14",
    upstreamRequestId: "req_1",
    serviceTier: "default",
    quantities: { inputTokens: 100, outputTokens: 50 },
    source: "reported",
    billable: true,
    cost: 600_000_000n,
    listCost: 700_000_000n,
    durationMs: 812.25,
    firstTokenMs: 95.5,
    firstByteMs: 90.125,
    sentMs: 0.5,
    overheadMs: 0.75,
    bytesOut: 900,
    retries: 0,
    interrupted: false,
    ...over,
  };
}
