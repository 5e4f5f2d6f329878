/**
 * One log line per call. What it holds is what may be kept: no bodies, no headers, no keys.
 *
 * The line is put together here, as JSON and in one go, rather than by the logger: field by field that was
 * the dearest thing done for a call.
 */
import type { Logger } from "../core/log.ts";
import { formatUsd } from "../core/money.ts";
import type { Call, Recorder, Usage } from "../usage/usage.ts";

const MESSAGE = "call";

export class CallLog implements Recorder {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  started(_call: Call): void {
    // A call is logged when it is over.
  }

  settled(usage: Usage): void {
    const line = callLine(usage, Date.now());
    if (this.#log.writeLine !== undefined) return this.#log.writeLine(line);
    const { level: _level, time: _time, msg: _msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    this.#log.info(fields, MESSAGE);
  }
}

/** The line as the logger's own are: level, time, fields, message. `nowMs` is wall-clock time. */
export function callLine(usage: Usage, nowMs: number): string {
  const { quantities, modelRequested, modelSent, modelAnswered } = usage;
  let line = `{"level":"info","time":"${isoTime(nowMs)}","id":"${usage.id}"`;
  if (usage.traceId !== "") line += `,"traceId":"${usage.traceId}"`;
  if (usage.upstreamRequestId !== "") line += `,"upstreamId":${quoted(usage.upstreamRequestId)}`;
  line += `,"app":${quoted(usage.app)},"upstream":${quoted(usage.upstream)},"endpoint":"${usage.endpoint}"`;
  if (modelRequested !== "") line += `,"model":${quoted(modelRequested)}`;
  if (modelSent !== modelRequested) line += `,"sent":${quoted(modelSent)}`;
  if (modelAnswered !== modelSent && modelAnswered !== "") line += `,"answered":${quoted(modelAnswered)}`;
  if (usage.streaming) line += ',"stream":true';
  line += `,"status":${usage.status}`;
  if (usage.errorType !== undefined) line += `,"error":"${usage.errorType}"`;
  if (usage.errorCode !== undefined) line += `,"code":"${usage.errorCode}"`;
  line += `,"ms":${rounded(usage.durationMs)}`;
  if (usage.firstTokenMs !== undefined) line += `,"firstTokenMs":${rounded(usage.firstTokenMs)}`;
  line += `,"overheadMs":${rounded(usage.overheadMs)}`;
  if (usage.billable) {
    if (quantities.inputTokens !== undefined) line += `,"input":${quantities.inputTokens}`;
    if (quantities.cachedInputTokens !== undefined) line += `,"cached":${quantities.cachedInputTokens}`;
    if (quantities.outputTokens !== undefined) line += `,"output":${quantities.outputTokens}`;
    if (quantities.reasoningTokens !== undefined) line += `,"reasoning":${quantities.reasoningTokens}`;
    line += `,"usage":"${usage.source}","usd":"${usage.cost === undefined ? "unpriced" : formatUsd(usage.cost)}"`;
  }
  return `${line},"bytesIn":${usage.bytesIn},"bytesOut":${usage.bytesOut},"msg":"${MESSAGE}"}\n`;
}

/** Printable ASCII without quote and backslash needs no escaping, and is nearly all there is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Controls that JSON leaves as they are and terminals obey. */
const CONTROLS = /[\x7f-\x9f]/g;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text.replace(CONTROLS, "\ufffd"));
}

let lastMs = 0;
let lastIso = "";

/** Thousands of calls share a millisecond; its text is made once. */
function isoTime(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastIso = new Date(nowMs).toISOString();
  }
  return lastIso;
}

/** Milliseconds to the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
