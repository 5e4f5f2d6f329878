/** The stretch of time that a view is about, and what chooses calls besides: both are in the address. */
import { hrefOf, type Route } from "./route.ts";

/** As the API reads them. */
export const RANGES = [
  "15m",
  "1h",
  "6h",
  "24h",
  "7d",
  "30d",
  "today",
  "yesterday",
  "month",
  "last-month",
  "year",
] as const;
export type RangeName = (typeof RANGES)[number];

/** What calls can be chosen by. */
export const FILTERS = ["model", "app", "team", "upstream", "endpoint", "route", "status", "error"] as const;
export type FilterName = (typeof FILTERS)[number];

export interface Range {
  readonly from: string;
  /** Undefined: until now, or to the end of what `from` names. */
  readonly to: string | undefined;
}

export function rangeOf({ params }: Route, usual: RangeName): Range {
  return { from: params.from ?? usual, to: params.to };
}

export function isNamed({ from, to }: Range): boolean {
  return to === undefined && RANGES.some((name) => name === from);
}

/** The parameters of a route that choose calls. */
export function filtersOf({ params }: Route): Partial<Record<FilterName, string>> {
  return Object.fromEntries(
    FILTERS.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]])),
  );
}

/** The range of a route, where one was chosen: it goes along to other views. */
export function chosenRange({ params: { from, to } }: Route): Record<string, string | undefined> {
  return { from, to };
}

/** The same view over another stretch. */
export function withRange({ page, params }: Route, from: string, to?: string): string {
  return hrefOf(page, { ...params, from, to });
}

/** The same view with another choice of calls; undefined takes one away. */
export function withFilter({ page, params }: Route, name: FilterName, value: string | undefined): string {
  return hrefOf(page, { ...params, [name]: value });
}

/** A moment as the API reads it, to the second. */
export function momentText(at: number): string {
  return new Date(Math.round(at / 1000) * 1000).toISOString().replace(".000", "");
}
