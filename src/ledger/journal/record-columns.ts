/** From the bytes of a call's records to the ledger's columns, without a row between them. The order is records.ts's. */
import { placeOf, type RowSink } from "../../store/calls.ts";
import { QUANTITY_COLUMNS } from "../../store/row-of-values.ts";
import type { Payload } from "./frame-reader.ts";
import { QUANTITIES, SETTLED, STARTED } from "./records.ts";

const ID = placeOf("id");
const STARTED_AT = placeOf("started_at");
const APP = placeOf("app");
const TEAM = placeOf("team");
const UPSTREAM = placeOf("upstream");
const ENDPOINT = placeOf("endpoint");
const MODEL = placeOf("model");
const MODEL_REQUESTED = placeOf("model_requested");
const MODEL_SENT = placeOf("model_sent");
const MODEL_ANSWERED = placeOf("model_answered");
const ROUTE = placeOf("route");
const PROBE = placeOf("probe");
const STREAMING = placeOf("streaming");
const INTERRUPTED = placeOf("interrupted");
const METHOD = placeOf("method");
const PATH = placeOf("path");
const STATUS = placeOf("status");
const ERROR_TYPE = placeOf("error_type");
const ERROR_CODE = placeOf("error_code");
const TRACE_ID = placeOf("trace_id");
const UPSTREAM_REQUEST_ID = placeOf("upstream_request_id");
const SERVICE_TIER = placeOf("service_tier");
const SOURCE = placeOf("source");
const BILLABLE = placeOf("billable");
const COST = placeOf("cost");
const LIST_COST = placeOf("list_cost");
const DURATION_MS = placeOf("duration_ms");
const FIRST_TOKEN_MS = placeOf("first_token_ms");
const FIRST_BYTE_MS = placeOf("first_byte_ms");
const OVERHEAD_MS = placeOf("overhead_ms");
const SENT_MS = placeOf("sent_ms");
const BYTES_IN = placeOf("bytes_in");
const BYTES_OUT = placeOf("bytes_out");
const RETRIES = placeOf("retries");

/** By the quantity's bit. */
const QUANTITY_PLACES = QUANTITIES.map((quantity) => placeOf(QUANTITY_COLUMNS[quantity]));

function text(column: number, from: Payload, into: RowSink): void {
  const start = from.span();
  into.text(column, from.bytes, start, from.at);
}

/** Of a payload behind its kind and number. @throws RecordError */
export function copyStarted(from: Payload, into: RowSink): void {
  const flags = from.byte();
  text(ID, from, into);
  into.integer(STARTED_AT, from.uint());
  text(APP, from, into);
  text(TEAM, from, into);
  text(UPSTREAM, from, into);
  text(ENDPOINT, from, into);
  const model = from.span();
  into.text(MODEL_REQUESTED, from.bytes, model, from.at);
  if ((flags & STARTED.otherModelSent) === 0) into.text(MODEL_SENT, from.bytes, model, from.at);
  else text(MODEL_SENT, from, into);
  text(MODEL, from, into);
  text(ROUTE, from, into);
  text(METHOD, from, into);
  text(PATH, from, into);
  text(TRACE_ID, from, into);
  into.integer(BYTES_IN, from.uint());
  into.boolean(PROBE, (flags & STARTED.probe) !== 0);
  into.boolean(STREAMING, (flags & STARTED.streaming) !== 0);
}

/** Of a payload behind its kind and number. @throws RecordError */
export function copySettled(from: Payload, into: RowSink): void {
  const flags = from.byte();
  into.boolean(INTERRUPTED, false);
  into.boolean(BILLABLE, (flags & SETTLED.billable) !== 0);
  into.integer(STATUS, from.uint());
  text(SOURCE, from, into);
  text(MODEL_ANSWERED, from, into);
  text(UPSTREAM_REQUEST_ID, from, into);
  text(SERVICE_TIER, from, into);
  if ((flags & SETTLED.errorType) !== 0) text(ERROR_TYPE, from, into);
  if ((flags & SETTLED.errorCode) !== 0) text(ERROR_CODE, from, into);
  if ((flags & SETTLED.cost) !== 0) into.money(COST, from.whole());
  if ((flags & SETTLED.listCost) !== 0) into.money(LIST_COST, from.whole());
  const present = from.uint();
  for (let bit = 0; present >>> bit !== 0; bit++) {
    if (((present >>> bit) & 1) === 0) continue;
    const value = from.uint();
    const column = QUANTITY_PLACES[bit];
    if (column !== undefined) into.integer(column, value);
  }
  into.float(DURATION_MS, from.double());
  if ((flags & SETTLED.firstToken) !== 0) into.float(FIRST_TOKEN_MS, from.double());
  if ((flags & SETTLED.firstByte) !== 0) into.float(FIRST_BYTE_MS, from.double());
  into.float(OVERHEAD_MS, from.double());
  into.integer(BYTES_OUT, from.uint());
  into.integer(RETRIES, from.uint());
  if ((flags & SETTLED.sent) !== 0) into.float(SENT_MS, from.double());
}
