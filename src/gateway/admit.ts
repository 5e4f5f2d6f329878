/** Asks the limiter for a call: what the call may need at most is worked out only where something limits it. */
import { type Admission, nanoOf } from "../limits/limiter.ts";
import { costOf } from "../prices/cost.ts";
import type { MaybePromise } from "../store/counter-store.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Operation, RequestBody, RequestFacts } from "../usage/dialect.ts";
import type { Settings, Surroundings } from "./state.ts";

export interface ToAdmit {
  readonly id: string;
  readonly startedAt: number;
  readonly app: string;
  readonly team: string;
  readonly asked: string;
  readonly upstream: Upstream;
  readonly model: string;
  readonly operation: Operation;
  readonly facts: RequestFacts;
  readonly parsed: RequestBody;
  readonly bytesIn: number;
  readonly downgraded: boolean;
  readonly fallback?: boolean;
  /** The model of the attempt before. */
  readonly from?: string;
  readonly hedge?: boolean;
}

/** A reservation outlives the longest call, so that it ends by itself only where its gateway was killed. */
const LEASE_MARGIN_MS = 60_000;

/** The admission, or undefined where nothing limits the call. @throws LimitRefusal, or rejects with it. */
export function admit(
  call: ToAdmit,
  settings: Settings,
  around: Surroundings,
): MaybePromise<Admission | undefined> {
  const { rules, prices } = settings;
  const { id, app, team, asked, model, downgraded, fallback = false, hedge = false, operation, facts } = call;
  const subject = { app, team, upstream: call.upstream.name, asked, model };
  const { limiter } = around;
  if (rules === undefined || limiter === undefined || rules.for(subject).length === 0) return undefined;
  const { input, output } = needs(call, rules.assumedOutputTokens);
  const { timeouts, drain } = call.upstream;
  const leaseMs = timeouts.total + drain.time + LEASE_MARGIN_MS;
  let cost: bigint | undefined = 0n;
  if (operation.billable) {
    const entry = prices.price(subject.upstream, model, call.startedAt);
    const quantities = {
      ...facts.quantities,
      ...(operation.dialect.countsTokens ? { inputTokens: input, outputTokens: output } : {}),
    };
    const context = {
      serviceTier: facts.serviceTier ?? "",
      ...(facts.image === undefined ? {} : { image: facts.image }),
    };
    cost = entry === undefined ? undefined : costOf(entry, quantities, context);
  }
  const needed = { tokens: input + output, cost: cost === undefined ? undefined : nanoOf(cost) };
  return limiter.admit(
    { id, ...subject, ...needed, leaseMs, downgraded, fallback, hedge, from: call.from },
    rules,
  );
}

/**
 * Bytes of a prompt per token, at least: English text has about four, other scripts in UTF-8 no fewer, and what is
 * between three and four is the margin of safety.
 */
const BYTES_PER_TOKEN = 3;
/** Longer bodies may hold images and files, whose bytes are not tokens: only their text is counted. */
const WHOLE_BODY_BYTES = 32 * 1024;

/** No call makes more, whatever its client writes. */
const MOST_OUTPUT_TOKENS = 10_000_000;

/** Tokens that a call may need at most. */
function needs(call: ToAdmit, assumedOutput: number): { input: number; output: number } {
  const { operation, parsed, facts, bytesIn } = call;
  if (!operation.billable || !operation.dialect.countsTokens) return { input: 0, output: 0 };
  const length = bytesIn <= WHOLE_BODY_BYTES ? bytesIn : operation.dialect.promptText(parsed).length;
  const input = Math.ceil(length / BYTES_PER_TOKEN);
  if (operation.endpoint === "embeddings") return { input, output: 0 };
  const output = (facts.maxOutputTokens ?? assumedOutput) * choices(parsed.json);
  return { input, output: Math.min(output, MOST_OUTPUT_TOKENS) };
}

/** `n`: how many answers are asked for at once. */
function choices(json: unknown): number {
  const n = typeof json === "object" && json !== null && "n" in json ? json.n : 1;
  return typeof n === "number" && Number.isInteger(n) && n >= 1 ? n : 1;
}
