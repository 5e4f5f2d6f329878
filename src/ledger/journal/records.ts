/**
 * The records of a journal and their bytes. A call's start holds all that is known of it then; its settlement
 * refers to the start by a number and adds how the call ended. New fields go to a record's end, and are read only
 * where there are any, so that a newer program reads what an older one left.
 */
import type { ErrorType } from "../../core/errors.ts";
import type { Quantities, Quantity } from "../../core/quantities.ts";
import type { Call, Endpoint, Provenance, Usage } from "../../usage/usage.ts";
import type { Payload } from "./frame-reader.ts";
import type { FrameWriter } from "./frame-writer.ts";

/** The first byte of a payload. */
export const RECORD = {
  /** A segment's first: who writes it. */
  head: 1,
  started: 2,
  settled: 3,
  /** A segment's last: its writer has gone on to another, which begins with the calls still open, or has ended. */
  end: 4,
} as const;

/** What a settlement adds to a call. */
export type Outcome = Omit<Usage, keyof Call>;

/** The order of the bits that tell which quantities a settlement has; only ever appended to. */
export const QUANTITIES: readonly Quantity[] = [
  "inputTokens",
  "outputTokens",
  "cachedInputTokens",
  "cacheWrite5mTokens",
  "cacheWrite1hTokens",
  "audioInputTokens",
  "imageInputTokens",
  "reasoningTokens",
  "audioOutputTokens",
  "imageOutputTokens",
  "images",
  "characters",
  "audioMs",
];

/** Bits of a start's flags. */
export const STARTED = { probe: 1, streaming: 2, otherModelSent: 4 } as const;

/** Bits of a settlement's flags: that it is billable, and what it has. */
export const SETTLED = {
  ...{ billable: 1, errorType: 2, errorCode: 4, cost: 8, listCost: 16 },
  ...{ firstToken: 32, firstByte: 64, sent: 128 },
} as const;

/** `number` names the call among those of this writer. */
export function writeStarted(out: FrameWriter, number: number, call: Call): void {
  out.begin(RECORD.started);
  out.uint(number);
  const otherModel = call.modelSent !== call.modelRequested;
  out.byte(
    (call.probe ? STARTED.probe : 0) |
      (call.streaming ? STARTED.streaming : 0) |
      (otherModel ? STARTED.otherModelSent : 0),
  );
  out.text(call.id);
  out.uint(call.startedAt);
  out.text(call.app);
  out.text(call.team);
  out.text(call.upstream);
  out.text(call.endpoint);
  out.text(call.modelRequested);
  if (otherModel) out.text(call.modelSent);
  out.text(call.modelLabel);
  out.text(call.route);
  out.text(call.method);
  out.text(call.path);
  out.text(call.traceId);
  out.uint(call.bytesIn);
  out.end();
}

/** Of a payload behind its kind and number. */
export function readStarted(from: Payload): Call {
  const flags = from.byte();
  const id = from.text();
  const startedAt = from.uint();
  const app = from.word();
  const team = from.word();
  const upstream = from.word();
  const endpoint = from.word() as Endpoint;
  const modelRequested = from.word();
  const modelSent = (flags & STARTED.otherModelSent) === 0 ? modelRequested : from.word();
  return {
    id,
    startedAt,
    app,
    team,
    probe: (flags & STARTED.probe) !== 0,
    upstream,
    endpoint,
    modelRequested,
    modelSent,
    modelLabel: from.word(),
    route: from.word(),
    streaming: (flags & STARTED.streaming) !== 0,
    method: from.word(),
    path: from.word(),
    traceId: from.text(),
    bytesIn: from.uint(),
  };
}

export function writeSettled(out: FrameWriter, number: number, usage: Usage): void {
  out.begin(RECORD.settled);
  out.uint(number);
  out.byte(flagsOf(usage));
  out.uint(usage.status);
  out.text(usage.source);
  out.text(usage.modelAnswered);
  out.text(usage.upstreamRequestId);
  out.text(usage.serviceTier);
  if (usage.errorType !== undefined) out.text(usage.errorType);
  if (usage.errorCode !== undefined) out.text(usage.errorCode);
  if (usage.cost !== undefined) out.text(usage.cost.toString());
  if (usage.listCost !== undefined) out.text(usage.listCost.toString());
  writeQuantities(out, usage.quantities);
  out.double(usage.durationMs);
  if (usage.firstTokenMs !== undefined) out.double(usage.firstTokenMs);
  if (usage.firstByteMs !== undefined) out.double(usage.firstByteMs);
  out.double(usage.overheadMs);
  out.uint(usage.bytesOut);
  out.uint(usage.retries);
  if (usage.sentMs !== undefined) out.double(usage.sentMs);
  out.end();
}

function flagsOf(usage: Usage): number {
  return (
    (usage.billable ? SETTLED.billable : 0) |
    (usage.errorType === undefined ? 0 : SETTLED.errorType) |
    (usage.errorCode === undefined ? 0 : SETTLED.errorCode) |
    (usage.cost === undefined ? 0 : SETTLED.cost) |
    (usage.listCost === undefined ? 0 : SETTLED.listCost) |
    (usage.firstTokenMs === undefined ? 0 : SETTLED.firstToken) |
    (usage.firstByteMs === undefined ? 0 : SETTLED.firstByte) |
    (usage.sentMs === undefined ? 0 : SETTLED.sent)
  );
}

function writeQuantities(out: FrameWriter, quantities: Quantities): void {
  let present = 0;
  for (let bit = 0; bit < QUANTITIES.length; bit++) {
    if (quantities[QUANTITIES[bit] as Quantity] !== undefined) present |= 1 << bit;
  }
  out.uint(present);
  for (let bit = 0; present >>> bit !== 0; bit++) {
    if (((present >>> bit) & 1) === 1) out.uint(quantities[QUANTITIES[bit] as Quantity] ?? 0);
  }
}

/** Of a payload behind its kind and number. */
export function readSettled(from: Payload): Outcome {
  const flags = from.byte();
  return {
    billable: (flags & SETTLED.billable) !== 0,
    status: from.uint(),
    source: from.word() as Provenance,
    modelAnswered: from.word(),
    upstreamRequestId: from.text(),
    serviceTier: from.word(),
    errorType: (flags & SETTLED.errorType) === 0 ? undefined : (from.word() as ErrorType),
    errorCode: (flags & SETTLED.errorCode) === 0 ? undefined : from.word(),
    cost: (flags & SETTLED.cost) === 0 ? undefined : BigInt(from.whole()),
    listCost: (flags & SETTLED.listCost) === 0 ? undefined : BigInt(from.whole()),
    quantities: readQuantities(from),
    durationMs: from.double(),
    firstTokenMs: (flags & SETTLED.firstToken) === 0 ? undefined : from.double(),
    firstByteMs: (flags & SETTLED.firstByte) === 0 ? undefined : from.double(),
    overheadMs: from.double(),
    bytesOut: from.uint(),
    retries: from.uint(),
    sentMs: (flags & SETTLED.sent) === 0 ? undefined : from.double(),
  };
}

function readQuantities(from: Payload): Quantities {
  const present = from.uint();
  const quantities: Quantities = {};
  for (let bit = 0; present >>> bit !== 0; bit++) {
    const quantity = QUANTITIES[bit];
    if (((present >>> bit) & 1) === 0) continue;
    const value = from.uint();
    if (quantity !== undefined) quantities[quantity] = value;
  }
  return quantities;
}

/** A call of which nothing but the start is known, because its process died. */
export const INTERRUPTED: Outcome = {
  billable: false,
  status: 0,
  source: "missing",
  modelAnswered: "",
  upstreamRequestId: "",
  serviceTier: "",
  errorType: undefined,
  errorCode: undefined,
  cost: undefined,
  listCost: undefined,
  quantities: {},
  durationMs: 0,
  firstTokenMs: undefined,
  firstByteMs: undefined,
  overheadMs: 0,
  bytesOut: 0,
  retries: 0,
  sentMs: undefined,
};
