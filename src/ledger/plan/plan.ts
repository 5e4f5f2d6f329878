/**
 * `plan`: what a month's traffic costs at each upstream and at list price, without sending any. Every sum is
 * exact; a model without a price at an upstream makes that upstream's sum unknown, never smaller.
 */
import { formatUsd, type Pico, roundedDivide, scaled } from "../../core/money.ts";
import type { PriceBook, PricedUpstream } from "../../prices/book.ts";
import { costOf } from "../../prices/cost.ts";
import type { PriceEntry } from "../../prices/entry.ts";
import type { Value } from "../../store/ledger-store.ts";
import type { ReportResult, ReportTable, Unit } from "../reports/report.ts";
import type { Demand } from "./workload.ts";

export interface PlanOptions {
  readonly demands: readonly Demand[];
  readonly book: PriceBook;
  readonly upstreams: readonly PricedUpstream[];
  /** When prices are asked for, and from when to when the demand is from; milliseconds since the epoch. */
  readonly now: number;
  readonly from?: number;
  readonly to?: number;
  readonly timeZone: string;
  /** What watching costs a month whatever is saved, in dollars as written. */
  readonly fixedCost: string;
  readonly currency: "USD" | "CNY";
  /** What a dollar costs in yuan where an upstream has no rate of its own. */
  readonly cnyPerUsd: string;
  readonly notes?: readonly string[];
}

const LIST = "list price";
const MONTHS = 12n;

/** Money at one place: what a month of each demand costs there, in the plan's currency; undefined: unpriced. */
interface Column {
  readonly name: string;
  readonly costs: readonly (Pico | undefined)[];
  readonly total: Pico | undefined;
  /** Of the models that have a price. */
  readonly known: Pico;
  readonly unpriced: readonly string[];
}

export function plan(options: PlanOptions): ReportResult {
  const { book, upstreams, now, demands, currency } = options;
  const list = column(LIST, options, (model) => book.listPrice(model, now), undefined);
  const columns = upstreams.map((upstream) =>
    column(upstream.name, options, (model) => book.price(upstream.name, model, now), upstream),
  );
  const tables = [byUpstream(columns, list, options), byModel([...columns, list], demands, currency)];
  return {
    report: "plan",
    from: options.from ?? now,
    to: options.to ?? now,
    timeZone: options.timeZone,
    tables,
    notes: [...(options.notes ?? []), ...notesOn([...columns, list], options)],
  };
}

function column(
  name: string,
  options: PlanOptions,
  priceOf: (model: string) => PriceEntry | undefined,
  upstream: PricedUpstream | undefined,
): Column {
  const costs = options.demands.map(({ model, quantities, calls }) => {
    const entry = priceOf(model);
    const usd = entry && costOf(entry, quantities, { serviceTier: "", calls });
    return usd === undefined ? undefined : converted(usd, options, upstream);
  });
  const known = costs.reduce<Pico>((sum, cost) => sum + (cost ?? 0n), 0n);
  const unpriced = options.demands.filter((_, index) => costs[index] === undefined).map(({ model }) => model);
  return { name, costs, known, total: unpriced.length === 0 ? known : undefined, unpriced };
}

/** In yuan: at an upstream that bills in yuan at its own rate, elsewhere at the market's. */
function converted(
  usd: Pico,
  { currency, cnyPerUsd }: PlanOptions,
  upstream: PricedUpstream | undefined,
): Pico {
  if (currency === "USD") return usd;
  if (upstream?.pricing.currency === "CNY") {
    return roundedDivide(usd * 10n ** 12n, scaled(upstream.pricing.usdPer, 12));
  }
  return roundedDivide(usd * scaled(cnyPerUsd, 12), 10n ** 12n);
}

function byUpstream(columns: readonly Column[], list: Column, options: PlanOptions): ReportTable {
  const unit: Unit = options.currency === "CNY" ? "cny" : "usd";
  const fixed = converted(scaled(options.fixedCost, 12), options, undefined);
  const tokens = options.demands.reduce(
    (sum, { quantities }) => sum + (quantities.inputTokens ?? 0) + (quantities.outputTokens ?? 0),
    0,
  );
  const rows = [...columns]
    .sort((a, b) => compareTotals(a.total, b.total))
    .map(({ name, total }): Value[] => {
      const saving = total === undefined || list.total === undefined ? undefined : list.total - total;
      const net = saving === undefined ? undefined : saving - fixed;
      return [
        name,
        text(total),
        text(total === undefined ? undefined : total * MONTHS),
        text(saving),
        saving === undefined || list.total === undefined ? null : ratioOf(saving, list.total),
        ...(fixed === 0n ? [] : [text(net), breakEven(tokens, saving, fixed)]),
      ];
    });
  const own = list.total;
  const listRow: Value[] = [LIST, text(own), text(own === undefined ? undefined : own * MONTHS), null, null];
  const fixedColumns = [
    { name: "net_saving", title: "after fixed cost", unit },
    { name: "break_even_tokens", title: "break-even tokens", unit: "tokens" as const },
  ];
  return {
    name: "by_upstream",
    title: "a month and a year at each upstream",
    columns: [
      { name: "upstream", title: "upstream", unit: "text" },
      { name: "month", title: "a month", unit },
      { name: "year", title: "a year", unit },
      { name: "saving", title: "saving a month", unit },
      { name: "saving_ratio", title: "saved", unit: "ratio" },
      ...(fixed === 0n ? [] : fixedColumns),
    ],
    rows: [...rows, fixed === 0n ? listRow : [...listRow, null, null]],
  };
}

/** Tokens a month, in this mix, from which on the saving pays for the fixed cost; null when it never does. */
function breakEven(tokens: number, saving: Pico | undefined, fixed: Pico): number | null {
  if (saving === undefined || saving <= 0n) return null;
  return Number((BigInt(tokens) * fixed + saving - 1n) / saving);
}

function byModel(
  columns: readonly Column[],
  demands: readonly Demand[],
  currency: "USD" | "CNY",
): ReportTable {
  const unit: Unit = currency === "CNY" ? "cny" : "usd";
  const sum = (name: "inputTokens" | "outputTokens") =>
    demands.reduce((total, { quantities }) => total + (quantities[name] ?? 0), 0);
  return {
    name: "by_model",
    title: "a month by model",
    columns: [
      { name: "model", title: "model", unit: "text" },
      { name: "input_tokens", title: "input", unit: "tokens" },
      { name: "output_tokens", title: "output", unit: "tokens" },
      ...columns.map(({ name }) => ({ name: name === LIST ? "list_price" : name, title: name, unit })),
    ],
    rows: demands.map(({ model, quantities }, index) => [
      model,
      quantities.inputTokens ?? 0,
      quantities.outputTokens ?? 0,
      ...columns.map(({ costs }) => text(costs[index])),
    ]),
    totals: [null, sum("inputTokens"), sum("outputTokens"), ...columns.map(({ total }) => text(total))],
  };
}

function notesOn(columns: readonly Column[], { currency, cnyPerUsd, upstreams }: PlanOptions): string[] {
  const unpriced = columns
    .filter(({ unpriced: models }) => models.length > 0)
    .map(
      ({ name, unpriced: models, known }) =>
        `${name} has no price for ${models.join(", ")}: its sum is unknown (the rest comes to ${formatUsd(known)} ${currency}).`,
    );
  if (currency === "USD") return unpriced;
  const own = upstreams
    .filter(({ pricing }) => pricing.currency === "CNY")
    .map(({ name, pricing }) => `${name} counts ¥1 as ${pricing.usdPer} USD.`);
  return [...unpriced, ...own, `Elsewhere a dollar costs ¥${cnyPerUsd} (--cny-per-usd).`];
}

function text(pico: Pico | undefined): string | null {
  return pico === undefined ? null : formatUsd(pico);
}

function ratioOf(part: Pico, whole: Pico): number | null {
  return whole === 0n ? null : Number((part * 1_000_000_000n) / whole) / 1e9;
}

/** The cheapest first, what has no sum last. */
function compareTotals(a: Pico | undefined, b: Pico | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : Number(a > b);
}
