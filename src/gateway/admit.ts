/** Asks the limiter for a call: what the call may need at most is worked out only where something limits it. */
import type { Quantities } from "../core/quantities.ts";
import { type Admission, type AdmissionRequest, nanoOf } from "../limits/limiter.ts";
import type { Further } from "../limits/rules.ts";
import { type CostContext, costOf } from "../prices/cost.ts";
import type { MaybePromise } from "../store/counter-store.ts";
import type { Place } from "./places.ts";
import type { ReadRequest } from "./read-request.ts";
import type { Settings, Surroundings } from "./state.ts";

/** What of a call's record is looked at. */
export interface Caller {
  readonly id: string;
  readonly startedAt: number;
  readonly app: string;
  readonly team: string;
  /** Its client is gone. */
  readonly left: boolean;
}

/** `downgraded`: in place of a call that a budget had no room for. The others are further attempts of a call. */
export type Occasion = "first" | "downgraded" | Further;

/** A reservation outlives the longest call, so that it ends by itself only where its gateway was killed. */
const LEASE_MARGIN_MS = 60_000;

/** The admission, or undefined where nothing limits the call. @throws LimitRefusal, or rejects with it. */
export function admit(
  caller: Caller,
  request: ReadRequest,
  { upstream, model }: Place,
  occasion: Occasion,
  { rules, prices }: Pick<Settings, "rules" | "prices">,
  { limiter }: Pick<Surroundings, "limiter">,
): MaybePromise<Admission | undefined> {
  if (rules === undefined || limiter === undefined) return undefined;
  const { id, app, team, startedAt } = caller;
  const { asked, operation } = request;
  const subject = { app, team, upstream: upstream.name, asked, model };
  const all = rules.for(subject);
  const held = typeof occasion === "string" ? all : all?.further(occasion, subject);
  if (held === undefined || held.rules.length === 0) return undefined;
  let tokens = 0;
  let cost: number | undefined = 0;
  const { counts } = held;
  if (operation.billable && (counts.money || counts.tokens)) {
    const { input, output } = needs(request, rules.assumedOutputTokens);
    tokens = input + output;
    if (counts.money) {
      const entry = prices.price(upstream.name, model, startedAt);
      const pico = entry && costOf(entry, quantitiesOf(request, input, output), contextOf(request));
      cost = pico === undefined ? undefined : nanoOf(pico);
    }
  }
  const leaseMs = upstream.timeouts.total + upstream.drain.time + LEASE_MARGIN_MS;
  const downgraded = occasion !== "first";
  // A further attempt is not worth waiting for.
  const terms = typeof occasion === "string" ? rules.queueOf(app) : undefined;
  // Every field is written out: a spread with more fields behind it gives each object a shape of its own, 10 µs a call.
  const admission: AdmissionRequest = {
    app,
    team,
    upstream: upstream.name,
    asked,
    model,
    id,
    tokens,
    cost,
    leaseMs,
    downgraded,
    caller,
  };
  return limiter.admit(admission, held, terms);
}

function quantitiesOf({ operation, facts }: ReadRequest, input: number, output: number): Quantities {
  const { quantities } = facts;
  if (!operation.dialect.countsTokens) return quantities ?? {};
  if (quantities === undefined) return { inputTokens: input, outputTokens: output };
  return { ...quantities, inputTokens: input, outputTokens: output };
}

function contextOf({ facts }: ReadRequest): CostContext {
  const { serviceTier = "", image } = facts;
  return image === undefined ? { serviceTier } : { serviceTier, image };
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
function needs(request: ReadRequest, assumedOutput: number): { input: number; output: number } {
  const { operation, parsed, facts, body } = request;
  if (!operation.dialect.countsTokens) return { input: 0, output: 0 };
  const bytesIn = body?.length ?? 0;
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
