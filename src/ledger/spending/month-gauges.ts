/** The month's spending as gauges, from what the ledger last told; nothing is asked of it at a scrape. */
import { formatUsd } from "../../core/money.ts";
import { catalogue } from "../../metrics/catalogue.ts";
import type { Registry } from "../../metrics/registry.ts";
import type { MonthFigures, MonthSpend } from "./month.ts";

export interface MonthGaugesSource {
  /** Undefined until the ledger has told: then there are no series, rather than zeros. */
  spend(): MonthSpend | undefined;
  /** The configured upstreams: each has its series. */
  upstreams(): readonly string[];
}

/** Upstreams of the ledger that are not configured any more. */
const OTHER = "other";

export function showMonth(registry: Registry, source: MonthGaugesSource): void {
  const gauges = {
    cost: registry.gauge(catalogue.monthCost),
    projected: registry.gauge(catalogue.monthProjectedCost),
    tokens: registry.gauge(catalogue.monthTokens),
  };
  let shown: MonthSpend | undefined;
  registry.beforeScrape(() => {
    const spend = source.spend();
    if (spend === undefined) return;
    // Upstreams may have been configured anew since it was told.
    const names = source.upstreams();
    const others = Object.entries(spend.upstreams).filter(([name]) => !names.includes(name));
    if (shown !== spend) for (const gauge of Object.values(gauges)) gauge.clear();
    shown = spend;
    const set = (name: string, figures: readonly MonthFigures[]): void => {
      const sum = (of: "cost" | "projected"): number =>
        Number(formatUsd(figures.reduce((all, each) => all + each[of], 0n)));
      gauges.cost.with([name]).set(sum("cost"));
      gauges.projected.with([name]).set(sum("projected"));
      gauges.tokens.with([name]).set(figures.reduce((all, { tokens }) => all + tokens, 0));
    };
    for (const name of names) {
      const figures = spend.upstreams[name];
      set(name, figures === undefined ? [] : [figures]);
    }
    const spent = others.map(([, figures]) => figures).filter(({ cost, tokens }) => cost > 0n || tokens > 0);
    if (spent.length > 0) set(OTHER, spent);
  });
}
