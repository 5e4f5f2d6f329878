/**
 * What became of a call, worked out from all that was seen of it: its status and error, its quantities,
 * and where they come from. Pure but for the estimate, which is asked for only where a report is missing.
 */
import type { BellwetherError } from "../core/errors.ts";
import { type ErrorType, errorTypeOfStatus } from "../core/errors.ts";
import type { Quantities } from "../core/quantities.ts";
import type { Operation, Reading, RequestFacts } from "./dialect.ts";
import type { Estimator } from "./estimate.ts";
import type { AnswerMeter } from "./meter.ts";
import { parseBodyText } from "./request-body.ts";
import type { Provenance, Usage } from "./usage.ts";

/** The status that stands for a client that had gone (nginx's convention, and metrics.md's). */
const CLIENT_GONE = 499;
/** A larger body is not kept for an estimate while its call runs; its tokens are estimated by its length. */
export const KEPT_BODY_BYTES = 32 * 1024;
/** Bytes of JSON a token takes, for prompts too large to count: about four characters and some syntax. */
const BYTES_PER_TOKEN = 4;

/** Of calls that use nothing; never written to, because estimates are made for billable calls only. */
const NOTHING: Quantities = Object.freeze({});

/** What was seen of an answer. */
export interface SeenAnswer {
  readonly status: number;
  /** The upstream's own id of the call, or "". */
  readonly requestId: string;
  readonly meter: AnswerMeter;
}

export interface Evidence {
  readonly operation: Operation | undefined;
  readonly facts: RequestFacts | undefined;
  /** The request's body, unless it is too long to be kept. */
  readonly body: Uint8Array | string | undefined;
  readonly bytesIn: number;
  readonly answer: SeenAnswer | undefined;
  /** The upstream was contacted. */
  readonly sent: boolean;
  readonly error: BellwetherError | undefined;
  /** Of an answer that Bellwether gave by itself, where it is no error. */
  readonly status?: number | undefined;
  readonly clientGone: boolean;
  /** The model the upstream was asked for. */
  readonly model: string;
}

export type Outcome = Pick<
  Usage,
  "status" | "errorType" | "errorCode" | "serviceTier" | "quantities" | "source" | "billable"
>;

/** The outcome; estimates are 0 where none was made. */
export function outcomeOf(evidence: Evidence, estimatedInput: number, estimatedOutput: number): Outcome {
  const { answer, error, clientGone, facts, status } = evidence;
  const reading = answer?.meter.reading;
  const billable = isBillable(evidence);
  const quantities: Quantities = billable ? seen(facts?.quantities, reading) : NOTHING;
  const reported = billable && isReported(evidence);
  if (estimatedInput > 0) quantities.inputTokens ||= estimatedInput;
  if (estimatedOutput > 0) quantities.outputTokens = Math.max(quantities.outputTokens ?? 0, estimatedOutput);
  return {
    status: clientGone ? CLIENT_GONE : (answer?.status ?? error?.status ?? status ?? CLIENT_GONE),
    errorType: errorTypeOf(evidence),
    errorCode: clientGone ? undefined : error?.code,
    serviceTier: reading?.serviceTier || facts?.serviceTier || "",
    quantities,
    source: reported ? "reported" : billable ? sourceOf(evidence, quantities) : "missing",
    billable,
  };
}

/** What the answer reported, or else what the request alone tells; never both, which would be billed twice. */
function seen(requested: Quantities | undefined, reading: Reading | undefined): Quantities {
  if (reading !== undefined && (reading.reported || requested === undefined)) return reading.quantities;
  return { ...requested, ...reading?.quantities };
}

/** Of quantities that are not all reported. */
function sourceOf(evidence: Evidence, quantities: Quantities): Provenance {
  if (wasCut(evidence)) return "partial";
  return Object.keys(quantities).length > 0 ? "estimated" : "missing";
}

function errorTypeOf({ answer, error, clientGone, operation }: Evidence): ErrorType | undefined {
  if (clientGone) return "client_gone";
  if (error !== undefined) return error.type;
  if (answer === undefined) return undefined;
  const byStatus = errorTypeOfStatus(answer.status);
  if (byStatus !== undefined) return byStatus;
  if (answer.meter.reading.failed) return "upstream_5xx";
  const expected = operation?.billable === true && answer.status === 200;
  return answer.meter.malformed || (expected && answer.meter.unexpected) ? "malformed" : undefined;
}

/** Usage is expected of a successful answer, and of one that the client, or the gateway itself, did not wait for. */
function isBillable({ operation, answer, sent, clientGone, error }: Evidence): boolean {
  if (operation?.billable !== true || !sent) return false;
  return answer === undefined
    ? clientGone || error?.code === "hedge_lost"
    : answer.status >= 200 && answer.status < 300;
}

function wasCut({ answer, error, clientGone }: Evidence): boolean {
  return (error !== undefined || clientGone) && answer?.meter.reading.complete !== true;
}

/** Everything that was to come has come; a stream that ended without saying so has what it reported. */
function isReported(evidence: Evidence): boolean {
  const { answer, operation } = evidence;
  if (answer?.meter.reading.reported !== true || wasCut(evidence)) return false;
  return operation?.dialect.countsTokens !== true || tellsTruth(answer.meter);
}

/** Some relays report one half of the tokens only, or nothing but zeros: no prompt has 0 tokens, and no text. */
function tellsTruth({ reading, text }: AnswerMeter): boolean {
  const { inputTokens = 0, outputTokens = 0 } = reading.quantities;
  return reading.failed || (inputTokens > 0 && (outputTokens > 0 || text.totalCharacters === 0));
}

/**
 * Tokens that nobody reported, counted off the event loop; undefined when nothing is missing, so that
 * an ordinary call settles at once.
 */
export function estimateMissing(
  evidence: Evidence,
  estimator: Estimator,
): Promise<{ input: number; output: number }> | undefined {
  const { operation } = evidence;
  if (!isBillable(evidence) || operation === undefined) return undefined;
  if (!operation.dialect.countsTokens || isReported(evidence)) return undefined;
  return estimate(evidence, operation, estimator);
}

async function estimate(evidence: Evidence, operation: Operation, estimator: Estimator) {
  const { answer, body, bytesIn, model } = evidence;
  // Nothing came of it that would be worth a tokenizer: whoever aborts calls by the thousand costs little.
  if (answer === undefined) return { input: Math.ceil(bytesIn / BYTES_PER_TOKEN), output: 0 };
  const { reading, text } = answer.meter;
  const { inputTokens = 0, outputTokens = 0 } = reading.quantities;
  // What was reported before an answer was cut may lag behind its text; of a whole answer it is the truth.
  const counted = text.totalCharacters > 0 && (outputTokens === 0 || wasCut(evidence));
  const output = counted ? await estimator.tokens(text.text, text.totalCharacters, model) : 0;
  if (inputTokens > 0) return { input: 0, output };
  if (body === undefined) return { input: Math.ceil(bytesIn / BYTES_PER_TOKEN), output };
  const prompt = operation.dialect.promptText(parseBodyText(body));
  const input = prompt === "" ? 0 : await estimator.tokens(prompt, prompt.length, model);
  return { input, output };
}
