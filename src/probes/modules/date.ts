/** The clock of an upstream, as its answers tell. */

/** Milliseconds that a `date` header is ahead of our clock; it has whole seconds, so half of one is the error. */
export function skewOf(headers: ReadonlyMap<string, string>, now = Date.now()): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? undefined : date + 500 - now;
}
