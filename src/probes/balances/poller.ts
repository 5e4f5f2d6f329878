/**
 * What a poller is: one file that knows one kind of account, and one line in index.ts. It reads and makes
 * accounts of what it read; the balance probe looks at statuses and errors.
 */
import type { BalanceSource, Upstream } from "../../upstreams/upstream.ts";
import { type Account, ProbeFailure } from "../probe.ts";
import { record } from "../verdict.ts";

export interface PollContext {
  readonly source: BalanceSource;
  readonly upstream: Upstream;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Successful JSON from an address, or from a path at the upstream's origin. */
  read(url: string): Promise<unknown>;
}

export interface Polled {
  readonly accounts: readonly Account[];
  /** Milliseconds since the epoch; undefined when the key does not expire or nobody knows. */
  readonly keyExpiresAt?: number | undefined;
}

export type Poller = (context: PollContext) => Promise<Polled>;

/** A path under the upstream's base path: `/v1/x` where the base is `/v1`, `/relay/v1/x` where it is `/relay/v1`. */
export function underBase({ baseUrl }: Upstream, path: string): string {
  return `${new URL(baseUrl).pathname.replace(/\/$/, "")}${path}`;
}

/** A path beside the version segment: `/user/balance`, or `/relay/user/balance`. */
export function underRoot({ rootUrl }: Upstream, path: string): string {
  return `${new URL(rootUrl).pathname.replace(/\/$/, "")}${path}`;
}

/** A member of an object that may be nested: `member(json, "data", "total")`. */
export function member(json: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => record(value)?.[name], json);
}

/** A number, also as text; undefined when there is none. */
export function amount(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || !/^\s*-?\d+(\.\d+)?([eE][+-]?\d+)?\s*$/.test(value)) return undefined;
  return Number(value);
}

/** A number that must be there. @throws ProbeFailure */
export function required(value: unknown, name: string): number {
  const read = amount(value);
  if (read === undefined) throw new ProbeFailure("malformed", `the answer has no number ${name}`);
  return read;
}

/** What one amount and what follows from it tell. */
export function account(
  currency: string,
  told: { balance?: number | undefined; used?: number | undefined; limit?: number | undefined },
): Account {
  const { balance, used, limit } = told;
  return { currency, balance, used, limit, unlimited: false };
}

/** Numbers that are in a smaller unit than the currency's. */
export function scaledBy(unit: number | undefined, value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / (unit ?? 1);
}

/** Seconds since the epoch, as accounts tell them, in milliseconds; 0 and -1 mean never. */
export function expiryOf(seconds: unknown): number | undefined {
  const value = amount(seconds);
  return value === undefined || value <= 0 ? undefined : value * 1000;
}
