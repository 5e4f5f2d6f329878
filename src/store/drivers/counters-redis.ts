/**
 * Counters in Redis (or Valkey), which any number of gateways share. A decision is one script, and so is a
 * settlement, which waits where it cannot be delivered (redis-settlements.ts).
 */
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Claim, CounterStore, Decision } from "../counter-store.ts";
import { DECIDE, FENCE, MARK_MS, RENEW, SEED, SETTLE } from "./counters-redis-scripts.ts";
import { PatientRedis } from "./patient-redis.ts";
import { Settlements, type SettlementWire } from "./redis-settlements.ts";

export interface RedisCountersOptions {
  readonly url: string;
  /** How many settlements may wait for Redis; the oldest beyond that are lost. */
  readonly maxPending?: number;
  /** How long an answer of Redis is waited for, in milliseconds. */
  readonly commandMs?: number;
  /** How long a call's slot is held without a sign of life of its gateway, in milliseconds. */
  readonly slotLeaseMs?: number;
  /** Told once when Redis cannot be reached, and once when it is back. Never given the URL, which may hold a password. */
  onAvailability(available: boolean, why: string): void;
  /**
   * Redis is back and empty: tell it what budgets have used before calls are decided again. False where that is not
   * known; else what is waiting to be settled is in it.
   */
  onEmpty(): Promise<boolean>;
  /** Told of settlements that were lost. */
  onLost(settlements: number): void;
}

/** The same slot of a cluster for all keys, so that one script may have them all. */
const PREFIX = "{bellwether}:";
const ALIVE = `${PREFIX}alive`;
const CONNECT_MS = 1_000;
const COMMAND_MS = 500;
const MAX_RECONNECT_MS = 1_000;
const MAX_PENDING = 100_000;
/** Leases of running calls: renewed three times before they end, and gone soon after their gateway is. */
const SLOT_LEASE_MS = 30_000;
const RENEWALS_PER_LEASE = 3;
/** How often it is asked for that what notes settlements be kept on. */
const KEEP_MARK_MS = 86_400_000;

type Script<Reply> = (keys: number, ...rest: (string | number)[]) => Promise<Reply>;
type Scripts = Record<"bwDecide" | "bwSettle" | "bwSeed" | "bwRenew", Script<number[]>> & {
  readonly bwFence: Script<number>;
};

export class RedisCounters implements CounterStore {
  readonly shared = true;
  /** Where it is noted which settlements of this process were counted. */
  readonly #mark = `${PREFIX}settlements:${randomUUID()}`;
  readonly #settlements: Settlements;
  readonly #redis: Redis & Scripts;
  readonly #options: RedisCountersOptions;
  readonly #slotLeaseMs: number;
  /** Slots that calls of this process hold: key and id. */
  readonly #held = new Map<string, readonly [key: string, id: string]>();
  #renewing: NodeJS.Timeout | undefined;
  readonly #keeping: NodeJS.Timeout;
  #waiting: (() => void) | undefined;
  #available: boolean | undefined;

  constructor(options: RedisCountersOptions) {
    this.#options = options;
    this.#slotLeaseMs = options.slotLeaseMs ?? SLOT_LEASE_MS;
    this.#settlements = new Settlements(this.#wire(), options.maxPending ?? MAX_PENDING, (lost) =>
      options.onLost(lost),
    );
    const redis = new PatientRedis(options.url, options.commandMs ?? COMMAND_MS, {
      connectTimeout: CONNECT_MS,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(MAX_RECONNECT_MS, 50 * attempt),
    });
    redis.defineCommand("bwDecide", { lua: DECIDE });
    redis.defineCommand("bwSettle", { lua: SETTLE });
    redis.defineCommand("bwFence", { lua: FENCE });
    redis.defineCommand("bwSeed", { lua: SEED });
    redis.defineCommand("bwRenew", { lua: RENEW });
    redis.on("error", (error: Error) => this.#note(false, reasonOf(error)));
    redis.on("close", () => this.#note(false, "the connection is closed"));
    redis.on("ready", () => void this.#begin());
    this.#redis = redis as unknown as Redis & Scripts;
    const keep = () => redis.pexpire(this.#mark, MARK_MS).catch(() => undefined);
    this.#keeping = setInterval(keep, KEEP_MARK_MS).unref();
  }

  /** The connection stands. Whether Redis still has what it was told shows by a key that only this sets. */
  async #begin(): Promise<void> {
    try {
      const empty = (await this.#redis.set(ALIVE, "1", "NX")) === "OK";
      if (empty && this.#available !== undefined) await this.#refill();
      await this.#settlements.resolve();
      this.#note(true, "");
      await this.#settlements.flush();
    } catch (error) {
      this.#note(false, error instanceof Error ? reasonOf(error) : "unknown");
      // Not usable as it is: a new connection begins anew.
      if (this.#redis.status === "ready") this.#redis.disconnect(true);
    }
  }

  /** Redis is empty. */
  async #refill(): Promise<void> {
    const { open } = this.#settlements;
    try {
      if (await this.#options.onEmpty()) this.#settlements.forget(open);
    } catch (error) {
      // Whoever comes next finds it empty, too.
      await this.#redis.del(ALIVE);
      throw error;
    }
  }

  /** Resolves when Redis answers, or when it has not for `ms`. */
  async ready(ms: number): Promise<void> {
    if (this.#available === true) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async decide(id: string, claims: readonly Claim[], nowMs: number, leaseMs: number): Promise<Decision> {
    if (this.#available !== true) throw new Error("Redis is not available");
    const numbers = await this.#redis
      .bwDecide(
        2 * claims.length,
        ...keysOf(claims),
        ...[id, nowMs, Math.ceil(leaseMs), this.#slotLeaseMs],
        ...claims.flatMap((claim) => argumentsOf(claim)),
      )
      .catch((error: unknown) => {
        // It may have been granted all the same, and the call may go on.
        this.#hold(id, claims);
        throw error;
      });
    const granted = numbers[0] === 1;
    // Not before that is known: to renew a slot is to take it.
    if (granted) this.#hold(id, claims);
    return {
      granted,
      states: claims.map((_, index) => {
        const waitMs = numbers[2 * index + 2] ?? 0;
        return { fits: waitMs === 0, used: numbers[2 * index + 1] ?? 0, waitMs };
      }),
    };
  }

  async settle(
    id: string,
    claims: readonly Claim[],
    actual: readonly number[],
    decidedAt: number,
    nowMs: number,
  ): Promise<readonly (number | undefined)[]> {
    this.#letGo(id, claims);
    const reply = await this.#settlements.deliver({
      keys: keysOf(claims),
      args: [
        ...[id, nowMs, decidedAt],
        ...claims.flatMap((claim, index) => {
          const [kind, amount, , extra, enforced] = argumentsOf(claim);
          return [kind, amount, actual[index] ?? 0, extra, enforced] as (string | number)[];
        }),
      ],
    });
    return claims.map((_, index) => {
      const used = reply?.[index] ?? -1;
      return used < 0 ? undefined : used;
    });
  }

  async seed(key: string, used: number, endsAt: number): Promise<void> {
    await this.#redis.bwSeed(1, PREFIX + key, used, endsAt);
  }

  async used(key: string): Promise<number> {
    return Number((await this.#redis.hget(PREFIX + key, "used")) ?? 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#renewing);
    clearInterval(this.#keeping);
    await this.#settlements.close();
    this.#redis.removeAllListeners("close");
    this.#redis.disconnect();
  }

  #wire(): SettlementWire {
    return {
      ready: () => this.#available === true && this.#redis.status === "ready",
      settle: async (number, { keys, args: [id = "", nowMs = 0, decidedAt = 0, ...claims] }) => {
        const order = [id, nowMs, decidedAt, number, ...claims];
        const [counted, ...used] = await this.#redis.bwSettle(keys.length + 1, ...keys, this.#mark, ...order);
        return counted === 1 ? used : undefined;
      },
      fence: (number) => this.#redis.bwFence(1, this.#mark, number),
    };
  }

  #hold(id: string, claims: readonly Claim[]): void {
    for (const { kind, key } of claims) {
      if (kind !== "slot") continue;
      this.#held.set(`${key} ${id}`, [PREFIX + key, id]);
      this.#renewing ??= setInterval(() => this.#renew(), this.#slotLeaseMs / RENEWALS_PER_LEASE).unref();
    }
  }

  #letGo(id: string, claims: readonly Claim[]): void {
    for (const { kind, key } of claims) if (kind === "slot") this.#held.delete(`${key} ${id}`);
  }

  #renew(): void {
    if (this.#held.size === 0 || this.#redis.status !== "ready") return;
    const held = [...this.#held.values()];
    const keys = held.map(([key]) => key);
    const until = Date.now() + this.#slotLeaseMs;
    this.#redis
      .bwRenew(keys.length, ...keys, until, this.#slotLeaseMs, ...held.map(([, id]) => id))
      .catch(() => undefined); // Told by the connection's own events; the next turn tries again.
  }

  #note(available: boolean, why: string): void {
    if (this.#available === available) return;
    this.#available = available;
    if (available) this.#waiting?.();
    this.#options.onAvailability(available, why);
  }
}

function keysOf(claims: readonly Claim[]): string[] {
  return claims.flatMap(({ key }) => [PREFIX + key, `${PREFIX + key}:reservations`]);
}

function argumentsOf(
  claim: Claim,
): [kind: string, amount: number, limit: number, extra: number, enforced: number] {
  switch (claim.kind) {
    case "window":
      return ["window", claim.amount, claim.limit, claim.windowMs, 1];
    case "slot":
      return ["slot", 1, claim.limit, 0, 1];
    case "budget":
      return ["budget", claim.amount, claim.limit, claim.endsAt, claim.enforced ? 1 : 0];
  }
}

/** An error's code, for its message may hold an address with a password. */
function reasonOf(error: Error & { code?: string }): string {
  return error.code ?? error.name;
}
