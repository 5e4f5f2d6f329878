/**
 * What the metrics must say after calls whose answers tell all, worked out from the sandbox's own books: as rows
 * with the labels of Bellwether's own profile, so that they can be summed as the page's rows are.
 */
import { formatUsd } from "../../src/core/money.ts";
import type { Quantity } from "../../src/core/quantities.ts";
import type { Account, Books } from "../../src/sandbox/books.ts";
import type { Row } from "./page.ts";

export interface LedgerOptions {
  /** The `model` label of a model that calls have asked for. */
  label(model: string): string;
  /** Where the usage of calls to a model came from; `reported` where it is not said, `none` where there is none. */
  readonly sources?: Readonly<Record<string, string>>;
  /** Calls that the gateway made on its own account, by endpoint. */
  readonly own?: Readonly<Record<string, number>>;
}

export interface Ledger {
  readonly requests: Row[];
  readonly errors: Row[];
  readonly usageRecords: Row[];
  readonly cost: Row[];
  readonly input: Row[];
  readonly output: Row[];
  readonly cached: Row[];
  readonly cacheWrite: Row[];
  readonly reasoning: Row[];
  readonly audio: Row[];
}

/** The type of error that an answer's status means. */
const ERROR_TYPES: Readonly<Record<string, string>> = {
  "400": "bad_request",
  "401": "auth",
  "404": "not_found",
  "429": "rate_limit",
  "500": "upstream_5xx",
  "503": "upstream_5xx",
  "529": "upstream_5xx",
};

/** Endpoints whose calls use nothing. */
const FREE = new Set(["models", "other"]);

export function ledgerOf(books: Books, options: LedgerOptions): Ledger {
  const ledger: Ledger = {
    requests: [],
    errors: [],
    usageRecords: [],
    cost: [],
    input: [],
    output: [],
    cached: [],
    cacheWrite: [],
    reasoning: [],
    audio: [],
  };
  for (const account of books.accounts()) enter(ledger, account, options);
  for (const [endpoint, calls] of Object.entries(options.own ?? {})) {
    const labels = { upstream: "relay", app: "anonymous", model: "", endpoint, status: "200" };
    ledger.requests.push({ labels, value: String(-calls) });
  }
  return ledger;
}

function enter(ledger: Ledger, account: Account, options: LedgerOptions): void {
  const { endpoint, statuses, used } = account;
  // Lists of models are of no model, though one may be asked about.
  const model = endpoint === "models" ? "" : options.label(account.model);
  const labels = { upstream: "relay", app: "anonymous", model, endpoint };
  for (const [status, calls] of Object.entries(statuses)) {
    ledger.requests.push({ labels: { ...labels, status }, value: String(calls) });
    if (status === "200") continue;
    ledger.errors.push({
      labels: { ...labels, type: ERROR_TYPES[status] ?? "", status },
      value: String(calls),
    });
  }
  const source = FREE.has(endpoint) ? "none" : (options.sources?.[account.model] ?? "reported");
  if (source !== "none") {
    ledger.usageRecords.push({ labels: { ...labels, source }, value: String(statuses[200] ?? 0) });
  }
  if (FREE.has(endpoint)) return;
  ledger.cost.push({ labels, value: formatUsd(account.cost) });
  const add = (rows: Row[], ...quantities: readonly Quantity[]): void => {
    const sum = quantities.reduce((all, quantity) => all + (used[quantity] ?? 0), 0);
    rows.push({ labels, value: String(sum) });
  };
  add(ledger.input, "inputTokens");
  add(ledger.output, "outputTokens");
  add(ledger.cached, "cachedInputTokens");
  add(ledger.cacheWrite, "cacheWrite5mTokens", "cacheWrite1hTokens");
  add(ledger.reasoning, "reasoningTokens");
  add(ledger.audio, "audioInputTokens", "audioOutputTokens");
}

/** The sandbox's prices as `prices:` of an upstream: numbers, whose shortest text is the same decimal. */
export function pricesAsConfigured(prices: Readonly<Record<string, object>>): object {
  const numbers = (price: object) =>
    Object.fromEntries(Object.entries(price).map(([kind, text]) => [kind, Number(text)]));
  return Object.fromEntries(Object.entries(prices).map(([model, price]) => [model, numbers(price)]));
}
