/**
 * What probes have found, as it is shown: the last result of each, accounts while they are fresh, certificates,
 * lists of models. Gauges are made anew before each scrape, so that what is not known any more is gone.
 */
import type { Clock } from "../core/clock.ts";
import { catalogue, type GaugeDefinition } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import { BurnRate } from "./burn-rate.ts";
import type { KeyHealth } from "./key-health.ts";
import { type Account, type Finding, type KeyState, keyStates, phases } from "./probe.ts";
import type { Result, Task } from "./run.ts";

/** An account that has not been read for this many intervals is not shown any more. */
const STALE_INTERVALS = 3;
const MS = 1000;

/** The last run of a probe. */
export interface Ran {
  readonly result: Result;
  /** Wall-clock milliseconds. */
  readonly lastSuccess: number | undefined;
}

/** What is to be watched of an upstream. */
export interface Wanted {
  /** Configured for it. */
  readonly models: readonly string[];
  /** How many it has. */
  readonly keys: number;
}

interface Watched {
  readonly accounts: readonly Account[];
  readonly readAt: number;
  /** Monotonic: a wall clock that jumps makes nothing fresh. */
  readonly freshUntil: number;
  readonly burn: ReadonlyMap<string, BurnRate>;
}

/** What probes have found of one upstream. Times are milliseconds since the epoch. */
export interface Watch {
  readonly ran: readonly Ran[];
  /** Of the last reading, while it is fresh. */
  readonly accounts: readonly { readonly account: Account; readonly burn: BurnRate | undefined }[];
  readonly accountsAt: number | undefined;
  /** Of each of its keys, in the order of the configuration. */
  readonly keys: readonly { readonly state: KeyState; readonly expiresAt: number | undefined }[];
  readonly certificateExpiresAt: number | undefined;
  readonly modelsListed: number | undefined;
}

const gauges = [
  catalogue.probeSuccess,
  catalogue.probeDuration,
  catalogue.probePhase,
  catalogue.probeTimestamp,
  catalogue.probeLastSuccess,
  catalogue.keyState,
  catalogue.keyExpiry,
  catalogue.certificateExpiry,
  catalogue.modelsListed,
  catalogue.modelListed,
  catalogue.balance,
  catalogue.quotaUsed,
  catalogue.quotaLimit,
  catalogue.balanceUnlimited,
  catalogue.balanceBurnRate,
  catalogue.balanceTimestamp,
  catalogue.balanceExhausted,
] as const;

export class Board {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #keys: KeyHealth;
  /** By upstream; inside by probe and model. */
  readonly #ran = new Map<string, Map<string, Ran>>();
  readonly #accounts = new Map<string, Watched>();
  readonly #certificates = new Map<string, number>();
  readonly #keyExpiries = new Map<string, number>();
  readonly #models = new Map<string, ReadonlySet<string>>();
  #wanted: ReadonlyMap<string, Wanted> = new Map();

  constructor(registry: Registry, clock: Clock, keys: KeyHealth) {
    this.#registry = registry;
    this.#clock = clock;
    this.#keys = keys;
    registry.beforeScrape(() => this.#publish());
  }

  /** The upstreams that are watched, with the models that are configured for each; all others are forgotten. */
  watch(upstreams: ReadonlyMap<string, Wanted>): void {
    this.#wanted = upstreams;
    for (const known of [this.#ran, this.#accounts, this.#certificates, this.#models]) {
      for (const name of known.keys()) if (!upstreams.has(name)) known.delete(name);
    }
    const expiries = new Set(
      [...upstreams].flatMap(([name, { keys }]) => places(keys).map((key) => `${name} ${key}`)),
    );
    for (const id of this.#keyExpiries.keys()) if (!expiries.has(id)) this.#keyExpiries.delete(id);
  }

  /** Forgets what is shown of probes that are not run any more. */
  retainTasks(tasks: readonly Task[]): void {
    const kept = new Set(
      tasks.map(({ upstream, probe, model }) => `${upstream.name} ${probe.name} ${model}`),
    );
    for (const [name, ran] of this.#ran) {
      for (const key of ran.keys()) if (!kept.has(`${name} ${key}`)) ran.delete(key);
    }
  }

  /** The last result of each probe of an upstream. */
  resultsOf(upstream: string): readonly Result[] {
    return [...(this.#ran.get(upstream)?.values() ?? [])].map(({ result }) => result);
  }

  /** All that is known of an upstream. */
  of(upstream: string): Watch {
    const watched = this.#accounts.get(upstream);
    const fresh = watched !== undefined && this.#clock.monotonic() <= watched.freshUntil;
    return {
      ran: [...(this.#ran.get(upstream)?.values() ?? [])],
      accounts: (fresh ? watched.accounts : []).map((account) => ({
        account,
        burn: watched?.burn.get(account.currency),
      })),
      accountsAt: watched?.readAt,
      keys: places(this.#wanted.get(upstream)?.keys).map((key) => ({
        state: this.#keys.stateOf(upstream, key),
        expiresAt: this.#keyExpiries.get(`${upstream} ${key}`),
      })),
      certificateExpiresAt: this.#certificates.get(upstream),
      modelsListed: this.#models.get(upstream)?.size,
    };
  }

  /** `intervalMs` is how often the probe runs, which decides how long what it found is fresh. */
  note(result: Result, intervalMs: number): void {
    const { task, outcome, finding, success, cost, startedAt } = result;
    const { upstream, probe, model } = task;
    const labels = [upstream.name, probe.name, model];
    this.#registry
      .counter(catalogue.probes)
      .with([...labels, outcome])
      .inc();
    if (cost !== undefined)
      this.#registry.money(catalogue.probeCost).with([upstream.name, probe.name]).inc(cost);
    if (result.key !== undefined) this.#keys.prove(upstream.name, result.key, task.key);
    if (success && finding.accounts !== undefined) this.#noteExpiry(`${upstream.name} ${task.key}`, finding);
    // What a probe with a further key says of the upstream, the same one with the first has said already.
    if (task.key > 1) return;
    const key = `${probe.name} ${model}`;
    const ran = this.#ran.get(upstream.name) ?? new Map<string, Ran>();
    this.#ran.set(upstream.name, ran);
    ran.set(key, { result, lastSuccess: success ? startedAt : ran.get(key)?.lastSuccess });
    if (!success) return;
    if (finding.accounts !== undefined)
      this.#noteAccounts(upstream.name, finding.accounts, result, intervalMs);
    if (finding.models !== undefined) this.#noteModels(upstream.name, finding.models);
    if (finding.certificateExpiresAt !== undefined) {
      this.#certificates.set(upstream.name, finding.certificateExpiresAt);
    }
  }

  #noteExpiry(id: string, { keyExpiresAt }: Finding): void {
    if (keyExpiresAt === undefined) this.#keyExpiries.delete(id);
    else this.#keyExpiries.set(id, keyExpiresAt);
  }

  #noteAccounts(
    upstream: string,
    accounts: readonly Account[],
    { startedAt }: Result,
    intervalMs: number,
  ): void {
    const before = this.#accounts.get(upstream)?.burn;
    const burn = new Map<string, BurnRate>();
    for (const { currency, balance } of accounts) {
      if (balance === undefined) continue;
      const rate = before?.get(currency) ?? new BurnRate();
      rate.add(startedAt, balance);
      burn.set(currency, rate);
    }
    const freshUntil = this.#clock.monotonic() + STALE_INTERVALS * intervalMs;
    this.#accounts.set(upstream, { accounts, readAt: startedAt, freshUntil, burn });
  }

  #noteModels(upstream: string, names: readonly string[]): void {
    const now = new Set(names);
    // Of the first list nothing has changed; the series then exist from the start.
    const before = this.#models.get(upstream) ?? now;
    this.#models.set(upstream, now);
    const counter = this.#registry.counter(catalogue.modelChanges);
    counter.with([upstream, "appeared"]).inc([...now].filter((name) => !before.has(name)).length);
    counter.with([upstream, "vanished"]).inc([...before].filter((name) => !now.has(name)).length);
  }

  #set(definition: GaugeDefinition, labels: readonly string[], value: number | undefined): void {
    if (value !== undefined) this.#registry.gauge(definition).with(labels).set(value);
  }

  #publish(): void {
    for (const gauge of gauges) this.#registry.gauge(gauge).clear();
    for (const [upstream, { keys }] of this.#wanted) {
      for (const ran of this.#ran.get(upstream)?.values() ?? []) this.#publishRun(ran);
      for (const key of places(keys)) this.#publishKey(upstream, key);
      this.#set(catalogue.certificateExpiry, [upstream], seconds(this.#certificates.get(upstream)));
      this.#publishModels(upstream);
      this.#publishAccounts(upstream);
    }
  }

  #publishRun({ result, lastSuccess }: Ran): void {
    const { task, success, durationMs, startedAt, finding, outcome } = result;
    const labels = [task.upstream.name, task.probe.name, task.model];
    this.#set(catalogue.probeLastSuccess, labels, seconds(lastSuccess));
    // It was not run, so that nothing is known of now.
    if (outcome === "spend_cap") return;
    this.#set(catalogue.probeSuccess, labels, success ? 1 : 0);
    this.#set(catalogue.probeDuration, labels, durationMs / MS);
    this.#set(catalogue.probeTimestamp, labels, seconds(startedAt));
    for (const phase of phases)
      this.#set(catalogue.probePhase, [...labels, phase], seconds(finding.phases?.[phase]));
  }

  #publishKey(upstream: string, key: number): void {
    const state = this.#keys.stateOf(upstream, key);
    const labels = [upstream, String(key)];
    for (const each of keyStates) this.#set(catalogue.keyState, [...labels, each], each === state ? 1 : 0);
    this.#set(catalogue.keyExpiry, labels, seconds(this.#keyExpiries.get(`${upstream} ${key}`)));
  }

  #publishModels(upstream: string): void {
    const listed = this.#models.get(upstream);
    if (listed === undefined) return;
    this.#set(catalogue.modelsListed, [upstream], listed.size);
    for (const model of this.#wanted.get(upstream)?.models ?? []) {
      this.#set(catalogue.modelListed, [upstream, model], listed.has(model) ? 1 : 0);
    }
  }

  #publishAccounts(upstream: string): void {
    const watched = this.#accounts.get(upstream);
    if (watched === undefined) return;
    this.#set(catalogue.balanceTimestamp, [upstream], seconds(watched.readAt));
    if (this.#clock.monotonic() > watched.freshUntil) return;
    for (const { currency, balance, used, limit, unlimited } of watched.accounts) {
      const labels = [upstream, currency];
      this.#set(catalogue.balance, labels, balance);
      this.#set(catalogue.quotaUsed, labels, used);
      this.#set(catalogue.quotaLimit, labels, limit);
      this.#set(catalogue.balanceUnlimited, labels, unlimited ? 1 : 0);
      const burn = watched.burn.get(currency);
      this.#set(catalogue.balanceBurnRate, labels, burn?.perSecond());
      this.#set(catalogue.balanceExhausted, labels, seconds(burn?.exhaustedAt()));
    }
  }
}

/** The places of so many keys; where there is none, of what stands for one. */
function places(keys = 1): number[] {
  return Array.from({ length: Math.max(1, keys) }, (_, index) => index + 1);
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / MS;
}
