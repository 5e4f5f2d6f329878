/** What the last calls were like, for an app that wants to look without a Prometheus. Bounded in calls and time. */
import type { Clock } from "../core/clock.ts";
import { formatUsd, type Pico } from "../core/money.ts";
import type { Recorder, Usage } from "../usage/usage.ts";
import type { StatsOptions } from "./options.ts";

const DEFAULT_CALLS = 10_000;
const DEFAULT_WINDOW_MS = 60 * 60 * 1000;
const PER_1K = 1000n;

/** Milliseconds; undefined when nothing was measured. */
export interface Latencies {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface ModelStats {
  readonly calls: number;
  readonly errors: number;
  /** 0 to 1; 1 when there were no calls. */
  readonly successRate: number;
  /** 0 to 1. */
  readonly errorRate: number;
  /** Errors by their type, as in `bellwether_errors_total`. */
  readonly errorsByType: Readonly<Record<string, number>>;
  readonly retries: number;
  /** From the call to the end of its answer, of successful calls. */
  readonly latencyMs: Latencies | undefined;
  /** To the model's first output, of streams. */
  readonly firstTokenMs: Latencies | undefined;
  readonly tokens: {
    readonly input: number;
    /** Part of the input. */
    readonly cachedInput: number;
    readonly output: number;
    /** Part of the output. */
    readonly reasoning: number;
    readonly total: number;
  };
  /** Exact decimal, in US dollars. */
  readonly costUsd: string;
  /** Calls whose cost is not known, and not in `costUsd`. */
  readonly unpricedCalls: number;
  /** Of priced calls, in US dollars to twelve places; undefined when they used no tokens. */
  readonly costPer1kTokensUsd: string | undefined;
}

export interface Stats extends ModelStats {
  /** By the model asked for, most calls first. */
  readonly byModel: Readonly<Record<string, ModelStats>>;
}

/** What is known of a call. */
interface Seen
  extends Pick<
    Usage,
    "modelSent" | "errorType" | "retries" | "durationMs" | "firstTokenMs" | "quantities" | "cost"
  > {}

/** A call's numbers, in this order. */
const AT = 0;
const DURATION = 1;
const FIRST_TOKEN = 2;
const RETRIES = 3;
const INPUT = 4;
const CACHED_INPUT = 5;
const OUTPUT = 6;
const REASONING = 7;
const NUMBERS = 8;
/** Room for so many calls at first. */
const FIRST_ROOM = 64;

/**
 * A ring of calls, `#next` being the oldest once it is full. Their numbers are in one array: were each call an object,
 * the collector would copy it until it is old, and metering would cost an app a microsecond more (`bench/meter.mjs`).
 */
export class CallStats implements Recorder {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #window: number;
  #numbers = new Float64Array(FIRST_ROOM * NUMBERS);
  readonly #models: string[] = [];
  readonly #errors: Usage["errorType"][] = [];
  readonly #costs: Usage["cost"][] = [];
  #next = 0;

  constructor(options: StatsOptions | undefined, clock: Clock) {
    this.#clock = clock;
    this.#limit = options?.calls ?? DEFAULT_CALLS;
    this.#window = options?.window ?? DEFAULT_WINDOW_MS;
  }

  started(): void {
    // Only what has ended counts.
  }

  settled(usage: Usage): void {
    const { quantities } = usage;
    const call = this.#next;
    this.#next = (call + 1) % this.#limit;
    this.#models[call] = usage.modelSent;
    this.#errors[call] = usage.errorType;
    this.#costs[call] = usage.cost;
    const first = call * NUMBERS;
    if (first === this.#numbers.length) this.#grow();
    const numbers = this.#numbers;
    numbers[first + AT] = this.#clock.monotonic();
    numbers[first + DURATION] = usage.durationMs;
    numbers[first + FIRST_TOKEN] = usage.firstTokenMs ?? Number.NaN;
    numbers[first + RETRIES] = usage.retries;
    numbers[first + INPUT] = quantities.inputTokens ?? 0;
    numbers[first + CACHED_INPUT] = quantities.cachedInputTokens ?? 0;
    numbers[first + OUTPUT] = quantities.outputTokens ?? 0;
    numbers[first + REASONING] = quantities.reasoningTokens ?? 0;
  }

  #grow(): void {
    const numbers = new Float64Array(2 * this.#numbers.length);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }

  #at(call: number): Seen {
    const of = (number: number): number => this.#numbers[call * NUMBERS + number] ?? 0;
    const firstTokenMs = of(FIRST_TOKEN);
    return {
      modelSent: this.#models[call] ?? "",
      errorType: this.#errors[call],
      retries: of(RETRIES),
      durationMs: of(DURATION),
      firstTokenMs: Number.isNaN(firstTokenMs) ? undefined : firstTokenMs,
      quantities: {
        inputTokens: of(INPUT),
        cachedInputTokens: of(CACHED_INPUT),
        outputTokens: of(OUTPUT),
        reasoningTokens: of(REASONING),
      },
      cost: this.#costs[call],
    };
  }

  read(model?: string): Stats {
    const since = this.#clock.monotonic() - this.#window;
    const wanted: Seen[] = [];
    for (const [call, name] of this.#models.entries()) {
      const at = this.#numbers[call * NUMBERS + AT] ?? 0;
      if (at >= since && (model === undefined || name === model)) wanted.push(this.#at(call));
    }
    const byModel = new Map<string, Seen[]>();
    for (const call of wanted) {
      const same = byModel.get(call.modelSent);
      if (same === undefined) byModel.set(call.modelSent, [call]);
      else same.push(call);
    }
    const sorted = [...byModel].sort(([, left], [, right]) => right.length - left.length);
    const models = sorted.map(([name, calls]) => [name, summaryOf(calls)] as const);
    return { ...summaryOf(wanted), byModel: Object.fromEntries(models) };
  }
}

function summaryOf(calls: readonly Seen[]): ModelStats {
  const errorsByType: Record<string, number> = {};
  const tokens = { input: 0, cachedInput: 0, output: 0, reasoning: 0, total: 0 };
  let cost: Pico = 0n;
  let pricedTokens = 0;
  let unpricedCalls = 0;
  let errors = 0;
  let retries = 0;
  for (const call of calls) {
    const { quantities, errorType } = call;
    retries += call.retries;
    if (errorType !== undefined) {
      errors++;
      errorsByType[errorType] = (errorsByType[errorType] ?? 0) + 1;
    }
    const { inputTokens = 0, outputTokens = 0 } = quantities;
    tokens.input += inputTokens;
    tokens.output += outputTokens;
    tokens.cachedInput += quantities.cachedInputTokens ?? 0;
    tokens.reasoning += quantities.reasoningTokens ?? 0;
    if (call.cost === undefined) unpricedCalls++;
    else {
      cost += call.cost;
      pricedTokens += inputTokens + outputTokens;
    }
  }
  tokens.total = tokens.input + tokens.output;
  const succeeded = calls.filter(({ errorType }) => errorType === undefined);
  const count = calls.length;
  return {
    calls: count,
    errors,
    successRate: count === 0 ? 1 : (count - errors) / count,
    errorRate: count === 0 ? 0 : errors / count,
    errorsByType,
    retries,
    latencyMs: latenciesOf(succeeded.map(({ durationMs }) => durationMs)),
    firstTokenMs: latenciesOf(calls.flatMap(({ firstTokenMs }) => firstTokenMs ?? [])),
    tokens,
    costUsd: formatUsd(cost),
    unpricedCalls,
    costPer1kTokensUsd: pricedTokens === 0 ? undefined : formatUsd((cost * PER_1K) / BigInt(pricedTokens)),
  };
}

/** Percentiles by the nearest rank: each is a value that occurred. */
function latenciesOf(values: number[]): Latencies | undefined {
  if (values.length === 0) return undefined;
  values.sort((left, right) => left - right);
  const rank = (share: number): number => values[Math.max(0, Math.ceil(share * values.length) - 1)] ?? 0;
  const sum = values.reduce((all, value) => all + value, 0);
  return {
    mean: sum / values.length,
    p50: rank(0.5),
    p90: rank(0.9),
    p95: rank(0.95),
    p99: rank(0.99),
    max: rank(1),
  };
}
