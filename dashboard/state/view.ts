/** What a view has to know of where it is: its page's range, its filters, and the addresses of others. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import {
  chosenRange,
  filtersOf,
  momentText,
  type Range,
  type RangeName,
  rangeOf,
  withRange,
} from "./range.ts";
import { currentRoute, goTo, hrefOf, type Route } from "./route.ts";
import { useStore } from "./store.ts";

/** The range of a page when none was chosen. */
export const UsualRange = createContext<RangeName>("24h");

export interface View {
  readonly route: Route;
  readonly range: Range;
  readonly filters: ReturnType<typeof filtersOf>;
  /** Range and filters, for a report. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** The address of another page over the same stretch. */
  link(page: string, params?: Readonly<Record<string, string | undefined>>): string;
  zoom(from: number, to: number): void;
}

export function useView(): View {
  const route = useStore(currentRoute);
  const usual = useContext(UsualRange);
  const range = rangeOf(route, usual);
  const filters = filtersOf(route);
  return {
    route,
    range,
    filters,
    query: { ...filters, ...range },
    link: (page, params = {}) => hrefOf(page, { ...chosenRange(route), ...params }),
    zoom: (from, to) => goTo(withRange(route, momentText(from), momentText(to))),
  };
}
