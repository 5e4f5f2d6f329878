/**
 * What a probe is. A probe is one file in modules/ and one line in index.ts: it asks an upstream something
 * and says what it found, or throws. The runner, never the probe, measures duration and success.
 */
import type { probeModules } from "../config/defaults.ts";
import type { Clock } from "../core/clock.ts";
import type { ErrorType } from "../core/errors.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Usage } from "../usage/usage.ts";

export type ProbeName = (typeof probeModules)[number];

/**
 * How a probe ended. Beside the types of errors: `no_quota` (the account or the key's quota is used up),
 * `timeout` (its own), `exception` (a fault of Bellwether), `spend_cap` (not run: the day's money is spent).
 */
export type Outcome = "success" | ErrorType | "no_quota" | "timeout" | "exception" | "spend_cap";

/** What is known of the key of an upstream. */
export const keyStates = ["valid", "invalid", "expired", "no_quota", "unknown"] as const;
export type KeyState = (typeof keyStates)[number];

/** Parts of the time a probe took, in milliseconds; `per_token` is the mean between output tokens. */
export type Phases = Partial<Record<Phase, number>>;
export const phases = ["dns", "connect", "tls", "first_byte", "first_token", "per_token"] as const;
export type Phase = (typeof phases)[number];

/** An account as it was read; amounts are in its own currency. */
export interface Account {
  readonly currency: string;
  /** What is left; undefined when it is not told, or there is no limit. */
  readonly balance: number | undefined;
  readonly used: number | undefined;
  /** What there was in all; undefined when there is no limit, or it is not told. */
  readonly limit: number | undefined;
  readonly unlimited: boolean;
}

/** What a probe found. */
export interface Finding {
  readonly phases?: Phases;
  /** The names in the upstream's list of models. */
  readonly models?: readonly string[];
  readonly accounts?: readonly Account[];
  /** Milliseconds since the epoch. */
  readonly certificateExpiresAt?: number;
  /** Milliseconds since the epoch at which the key expires; undefined when it does not or nobody knows. */
  readonly keyExpiresAt?: number | undefined;
  /** What the answer proved of the key, if anything. */
  readonly key?: KeyState;
  /** The upstream's clock, from its `date` header: milliseconds ahead of ours. */
  readonly clockSkewMs?: number | undefined;
}

/** Thrown by a probe that found the upstream unwell; anything else that is thrown is a fault of the probe. */
export class ProbeFailure extends Error {
  override readonly name = "ProbeFailure";
  readonly outcome: Outcome;
  readonly status: number | undefined;
  /** What it proves of the key, if anything. */
  readonly key: KeyState | undefined;
  /** How long the upstream asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    outcome: Outcome,
    message: string,
    more: { status?: number; key?: KeyState | undefined; retryAfterMs?: number | undefined } = {},
  ) {
    super(message);
    this.outcome = outcome;
    this.status = more.status;
    this.key = more.key;
    this.retryAfterMs = more.retryAfterMs;
  }
}

export interface ProbeRequest {
  readonly method: "GET" | "POST";
  /** As a client of the gateway writes it: begins with `/v1`. */
  readonly path: string;
  readonly body?: object;
  /** Flat names and values. */
  readonly headers?: readonly string[];
}

export interface ProbeAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** At most 4 MiB of it. */
  readonly body: string;
  readonly usage: Usage;
  /** The gateway's own error, where no answer came. */
  readonly error: { readonly message: string } | undefined;
}

/** A fresh connection, step by step; durations in milliseconds. */
export interface Connecting {
  readonly dnsMs: number;
  readonly addresses: readonly string[];
  readonly connectMs: number;
  /** Undefined for plain HTTP. */
  readonly tlsMs: number | undefined;
  /** Milliseconds since the epoch; undefined for plain HTTP. */
  readonly certificateExpiresAt: number | undefined;
  /** `TLSv1.3`. */
  readonly protocol: string | undefined;
}

/** What a probe works with. */
export interface ProbeContext {
  readonly upstream: Upstream;
  /** The model to ask, or "" for probes that ask none. */
  readonly model: string;
  /** Aborted when the probe's time is over. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** A metered call, as a client's through the gateway. */
  call(request: ProbeRequest): Promise<ProbeAnswer>;
  /** Reads JSON that is no LLM call. `url` is an address, or a path at the upstream's origin. */
  read(url: string, key?: string): Promise<ReadAnswer>;
  /** Opens a connection and closes it. */
  connect(): Promise<Connecting>;
}

export interface ReadAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
}

export interface Probe {
  readonly name: ProbeName;
  /** One line for people. */
  readonly about: string;
  /** The kind of model it asks, if any. */
  readonly model?: "chat" | "embeddings" | "images";
  /** It costs money at most vendors, and waits when the day's is spent. */
  readonly costs: boolean;
  /** It costs so much that it is not run at all where the model has no price. */
  readonly needsPrice?: true;
  /** The shortest time between two runs, in milliseconds, whatever the configuration says. */
  leastIntervalMs?(upstream: Upstream): number;
  /** Whether the upstream can be asked this. */
  applies(upstream: Upstream): boolean;
  run(context: ProbeContext): Promise<Finding>;
}
