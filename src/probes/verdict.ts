/** What an answer says of the upstream and of the key: the one place where errors of vendors are told apart. */
import { errorTypeOfStatus } from "../core/errors.ts";
import { type KeyState, type Outcome, type ProbeAnswer, ProbeFailure, type ReadAnswer } from "./probe.ts";

/** Past this many characters a vendor's message is cut. */
const MAX_MESSAGE = 300;

/** What stands for a used-up quota or account in codes and messages of vendors and relays. */
const NO_QUOTA =
  /insufficient[_ ]?(user[_ ]?)?(quota|balance|funds|credit)|quota[_ ]?(exceeded|exhausted|not enough)|exceeded your current quota|credit balance is too low|out of credits|arrears|余额不足|额度不足|额度已用尽|欠费/i;
/** A key that was good once. */
const EXPIRED = /expired|expir(y|ation)|过期/i;
/** A refusal that is about something else than the key. */
const NOT_THE_KEY =
  /model|region|country|territory|location|ip address|not allowed for|moderation|地区|模型/i;

/** `{error}` (OpenAI, Anthropic, Gemini, one-api) or a `code` and `message` beside no data (new-api and others). */
interface Complaint {
  readonly code: string;
  readonly message: string;
}

/** The error in a body, whatever the status was; undefined when there is none. */
export function complaintOf(json: unknown): Complaint | undefined {
  const body = record(json);
  if (body === undefined) return undefined;
  const { error } = body;
  if (typeof error === "string") return { code: "", message: error };
  const inner = record(error);
  if (inner !== undefined) return complaint(inner);
  if (body.success === false || body.code === false || body.status === false) return complaint(body);
  return undefined;
}

function complaint(from: Record<string, unknown>): Complaint {
  const parts = [from.code, from.type, from.status].filter((part) => typeof part === "string" && part !== "");
  return { code: parts.join(" "), message: typeof from.message === "string" ? from.message : "" };
}

/** Throws what an answer that is not a success means; returns when it is one. */
export function checkAnswer(
  answer: Pick<ReadAnswer, "status" | "headers" | "json">,
  secrets: readonly (string | undefined)[],
): void {
  const { status, headers, json } = answer;
  const complained = complaintOf(json);
  if (status >= 200 && status < 300 && complained === undefined) return;
  const text = complained === undefined ? "" : `${complained.code} ${complained.message}`;
  const outcome = outcomeOf(status, text);
  const what = complained?.message || complained?.code || "no reason given";
  throw new ProbeFailure(outcome, `HTTP ${status}: ${tidy(what, secrets)}`, {
    status,
    key: keyOf(status, text),
    retryAfterMs: status === 429 || status === 503 ? retryAfter(headers) : undefined,
  });
}

/** The same for a metered call, of which the gateway already knows whether it failed. */
export function checkCall(
  answer: ProbeAnswer,
  json: unknown,
  secrets: readonly (string | undefined)[],
): void {
  const { usage, error, status, headers } = answer;
  if (error !== undefined) throw new ProbeFailure(usage.errorType ?? "exception", error.message);
  checkAnswer({ status, headers, json }, secrets);
  if (usage.errorType === undefined) return;
  const complained = complaintOf(json ?? lastEvent(answer.body));
  const text = complained === undefined ? "" : `${complained.code} ${complained.message}`;
  throw new ProbeFailure(
    NO_QUOTA.test(text) ? "no_quota" : usage.errorType,
    `HTTP ${status}, but ${usage.errorType === "malformed" ? "not what was asked for" : "an error in the answer"}: ${tidy(complained?.message ?? "", secrets) || "no reason given"}`,
    { status, key: NO_QUOTA.test(text) ? "no_quota" : undefined },
  );
}

function outcomeOf(status: number, text: string): Outcome {
  if (status === 402 || NO_QUOTA.test(text)) return "no_quota";
  if (status >= 300 && status < 400) return "malformed";
  const byStatus = errorTypeOfStatus(status);
  if (byStatus !== undefined) return byStatus;
  // A complaint in an answer that says 200.
  if (EXPIRED.test(text) || /invalid[_ ](api[_ ])?(key|token)|unauthorized|无效的令牌/i.test(text))
    return "auth";
  return "upstream_5xx";
}

/** What an answer proves of the key; undefined when nothing. */
function keyOf(status: number, text: string): KeyState | undefined {
  if (status === 402 || NO_QUOTA.test(text)) return "no_quota";
  const refused =
    status === 401 || status === 403 || status < 300 || (status === 400 && /api key/i.test(text));
  if (!refused) return undefined;
  if (EXPIRED.test(text)) return "expired";
  if (status === 401 || status === 400) return "invalid";
  if (status === 403) return NOT_THE_KEY.test(text) ? undefined : "invalid";
  return /invalid[_ ](api[_ ])?(key|token)|unauthorized|无效的令牌/i.test(text) ? "invalid" : undefined;
}

/** Milliseconds that `retry-after-ms` or `retry-after` (seconds, or a date) asks for. */
export function retryAfter(headers: ReadonlyMap<string, string>, now = Date.now()): number | undefined {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const text = headers.get("retry-after");
  if (text === undefined || text.trim() === "") return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** One line without secrets. */
export function tidy(text: string, secrets: readonly (string | undefined)[]): string {
  let clean = text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  for (const secret of secrets) {
    if (secret !== undefined && secret.length >= 4) clean = clean.replaceAll(secret, "****");
  }
  // Vendors quote keys shortened, in ways of their own.
  clean = clean.replaceAll(/\b(sk|pk|hs|key|ak)-[\w*•.-]{4,}/gi, "****");
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE)}…` : clean;
}

/** The last event of a stream that is JSON: errors come last. */
function lastEvent(body: string): unknown {
  const lines = body.split(/\r\n|\r|\n/).filter((line) => line.startsWith("data:"));
  for (const line of lines.reverse()) {
    const json = parseJson(line.slice(5));
    if (json !== undefined) return json;
  }
  return undefined;
}

/** Undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON object's members; undefined for anything else. */
export function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
