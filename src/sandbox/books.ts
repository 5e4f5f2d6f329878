/**
 * The sandbox's own accounting: what an honest upstream knows of every call. Tests hold Bellwether's
 * figures against these, so nothing here is shared with the code that is tested.
 */
import { createHash } from "node:crypto";
import { formatUsd, type Pico } from "../core/money.ts";
import type { Quantities, Quantity } from "../core/quantities.ts";

/** One account for each key, model and endpoint. */
export interface Account {
  /** Names a key without showing it; see `keyLabel`. */
  readonly key: string;
  /** As requested; "" where the call names none. */
  readonly model: string;
  readonly endpoint: string;
  calls: number;
  /** Calls by the status of their answer; "0" where none was sent. */
  readonly statuses: Record<string, number>;
  /** Answers sent to their end. */
  completed: number;
  /** Calls whose client left before the end. */
  aborted: number;
  /** Calls the sandbox itself cut short (`reset`, `half`, `malformed`, …). */
  cut: number;
  /** Usage as it was written to clients, summed over calls. */
  readonly reported: Quantities;
  /** Usage whether reported or not; of cut and aborted calls the part that had been sent. */
  readonly used: Quantities;
  /** Price of `used`, in pico-dollars. */
  cost: Pico;
  /** Output tokens and body bytes that had been written when clients left. */
  abortedTokens: number;
  abortedBytes: number;
  /** Bytes of answer bodies handed to the network. */
  bytesOut: number;
  inFlight: number;
  peak: number;
}

/** One call, from its arrival to its end. */
export interface CallSum {
  readonly status: number;
  readonly outcome: "completed" | "aborted" | "cut";
  readonly reported: Quantities | undefined;
  readonly used: Quantities;
  readonly cost: Pico;
  /** Output tokens written. */
  readonly tokens: number;
  /** Bytes of the body written. */
  readonly bytes: number;
}

export interface BooksJson {
  readonly calls: number;
  readonly inFlight: number;
  readonly peak: number;
  readonly connections: number;
  readonly malformed: number;
  readonly costUsd: string;
  readonly accounts: readonly (Omit<Account, "cost"> & { readonly costUsd: string })[];
}

const labels = new Map<string, string>();
const MOST_LABELS = 10_000;

/** Eight hex digits of a key's SHA-256: tells keys apart and gives none away. */
export function keyLabel(key: string): string {
  if (key === "") return "none";
  const known = labels.get(key);
  if (known !== undefined) return known;
  const label = createHash("sha256").update(key).digest("hex").slice(0, 8);
  if (labels.size < MOST_LABELS) labels.set(key, label);
  return label;
}

export class Books {
  readonly #accounts = new Map<string, Account>();
  /** The account opened last: most calls are like the one before. */
  #last: Account | undefined;
  /** Calls since the start or the last reset. */
  calls = 0;
  inFlight = 0;
  /** Most calls in flight at once. */
  peak = 0;
  /** TCP connections accepted. */
  connections = 0;
  /** Requests refused because they were not valid HTTP. */
  malformed = 0;

  /** Opens the account for a call that has arrived. */
  open(key: string, model: string, endpoint: string): Account {
    const account = this.#find(key, model, endpoint);
    this.calls++;
    this.inFlight++;
    this.peak = Math.max(this.peak, this.inFlight);
    account.calls++;
    account.inFlight++;
    account.peak = Math.max(account.peak, account.inFlight);
    return account;
  }

  #find(key: string, model: string, endpoint: string): Account {
    const last = this.#last;
    if (last?.model === model && last.endpoint === endpoint && last.key === key) return last;
    const name = `${key}\n${endpoint}\n${model}`;
    const account = this.#accounts.get(name) ?? newAccount(key, model, endpoint);
    this.#accounts.set(name, account);
    this.#last = account;
    return account;
  }

  /** Enters how a call ended; once for each `open`. */
  close(account: Account, sum: CallSum): void {
    this.inFlight--;
    account.inFlight--;
    account.cost += sum.cost;
    account.statuses[sum.status] = (account.statuses[sum.status] ?? 0) + 1;
    account[sum.outcome]++;
    account.bytesOut += sum.bytes;
    if (sum.outcome === "aborted") {
      account.abortedTokens += sum.tokens;
      account.abortedBytes += sum.bytes;
    }
    if (sum.reported !== undefined) addTo(account.reported, sum.reported);
    addTo(account.used, sum.used);
  }

  /** Everything used so far, in pico-dollars. */
  get cost(): Pico {
    let cost = 0n;
    for (const account of this.#accounts.values()) cost += account.cost;
    return cost;
  }

  accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  /** One account that adds up all that match. */
  total(filter: { key?: string; model?: string; endpoint?: string } = {}): Account {
    const sum = newAccount(filter.key ?? "*", filter.model ?? "*", filter.endpoint ?? "*");
    for (const account of this.#accounts.values()) {
      if (filter.key !== undefined && filter.key !== account.key) continue;
      if (filter.model !== undefined && filter.model !== account.model) continue;
      if (filter.endpoint !== undefined && filter.endpoint !== account.endpoint) continue;
      for (const field of SUMMED) sum[field] += account[field];
      sum.peak = Math.max(sum.peak, account.peak);
      sum.cost += account.cost;
      for (const [status, calls] of Object.entries(account.statuses)) {
        sum.statuses[status] = (sum.statuses[status] ?? 0) + calls;
      }
      addTo(sum.reported, account.reported);
      addTo(sum.used, account.used);
    }
    return sum;
  }

  /** Forgets everything but the calls still in flight, which stay counted as such and are entered nowhere. */
  reset(): void {
    this.#accounts.clear();
    this.#last = undefined;
    this.calls = 0;
    this.peak = this.inFlight;
    this.connections = 0;
    this.malformed = 0;
  }

  toJSON(): BooksJson {
    return {
      calls: this.calls,
      inFlight: this.inFlight,
      peak: this.peak,
      connections: this.connections,
      malformed: this.malformed,
      costUsd: formatUsd(this.cost),
      accounts: this.accounts().map(({ cost, ...account }) => ({ ...account, costUsd: formatUsd(cost) })),
    };
  }
}

const SUMMED = [
  "calls",
  "completed",
  "aborted",
  "cut",
  "abortedTokens",
  "abortedBytes",
  "bytesOut",
  "inFlight",
] as const;

function newAccount(key: string, model: string, endpoint: string): Account {
  return {
    key,
    model,
    endpoint,
    calls: 0,
    statuses: {},
    completed: 0,
    aborted: 0,
    cut: 0,
    reported: {},
    used: {},
    cost: 0n,
    abortedTokens: 0,
    abortedBytes: 0,
    bytesOut: 0,
    inFlight: 0,
    peak: 0,
  };
}

function addTo(sum: Quantities, more: Quantities): void {
  for (const name in more) {
    const quantity = name as Quantity;
    sum[quantity] = (sum[quantity] ?? 0) + (more[quantity] ?? 0);
  }
}
