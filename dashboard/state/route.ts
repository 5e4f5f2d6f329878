/**
 * Where in the page one is: kept in the address behind `#`, so that every view can be linked to, opened in a new tab
 * and gone back from. `#/calls?from=24h&model=gpt-4.1` is the page `calls` with its parameters.
 */
import { store } from "./store.ts";

export interface Route {
  readonly page: string;
  readonly params: Readonly<Record<string, string>>;
}

/** Longer addresses are nobody's bookmark. */
const MOST_PARAMETERS = 30;

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const params: Record<string, string> = Object.create(null);
  let left = MOST_PARAMETERS;
  for (const [name, value] of new URLSearchParams(query)) {
    if (left-- <= 0) break;
    if (value !== "") params[name] = value;
  }
  return { page: path, params };
}

/** The address of a view; parameters that are undefined or empty are left out. */
export function hrefOf(page: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value) query.set(name, value);
  const text = query.toString();
  return `#/${page}${text === "" ? "" : `?${text}`}`;
}

export const currentRoute = store<Route>({ page: "", params: {} });

/** Goes to a view; `replace` leaves no step to go back to. */
export function goTo(href: string, replace = false): void {
  if (replace) {
    history.replaceState(null, "", href);
    readAddress();
  } else location.hash = href;
}

function readAddress(): void {
  currentRoute.set(parseRoute(location.hash));
}

export function startRouting(): void {
  readAddress();
  addEventListener("hashchange", readAddress);
}
