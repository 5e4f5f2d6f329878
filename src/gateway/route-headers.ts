/** The headers that tell a client where rules have sent its call, and why. */

/** Where a call goes now, and the rule that decided, or "". */
export interface Routed {
  readonly route: string;
  model: string;
  upstream: string;
}

/** The `route` of a call that no rule was for. */
export const UNROUTED = "default";

const ROUTE_HEADER = /^x-bellwether-(route|model|upstream)$/i;
const SHORTEST_ROUTE_HEADER = "x-bellwether-route".length;

/** Adds them to a list of names and values in turn; they replace those of a Bellwether further up. */
export function addRouteHeaders(headers: string[], { route, model, upstream }: Routed): void {
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    const name = headers[at] ?? "";
    if (name.length >= SHORTEST_ROUTE_HEADER && ROUTE_HEADER.test(name)) headers.splice(at, 2);
  }
  headers.push("x-bellwether-route", route === "" ? UNROUTED : route);
  headers.push("x-bellwether-model", headerText(model), "x-bellwether-upstream", upstream);
}

/** A name that a client wrote, as a header can hold it. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}
