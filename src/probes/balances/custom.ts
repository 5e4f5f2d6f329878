/** Any JSON: an address, JSON Pointers (RFC 6901), a unit and a currency, as the configuration says. */
import { ProbeFailure } from "../probe.ts";
import { account, amount, type PollContext, type Polled, scaledBy } from "./poller.ts";

export async function custom({ source, read }: PollContext): Promise<Polled> {
  const { url = "/", pointer = "", usedPointer, limitPointer, unit, currency = "USD" } = source;
  const json = await read(url);
  const find = (place: string | undefined): number | undefined => {
    if (place === undefined) return undefined;
    const value = amount(at(json, place));
    if (value === undefined) throw new ProbeFailure("malformed", `the answer has no number at ${place}`);
    return scaledBy(unit, value);
  };
  const told = { balance: find(pointer), used: find(usedPointer), limit: find(limitPointer) };
  return { accounts: [account(currency, told)] };
}

/** The value that a JSON Pointer points to; undefined when there is none. */
export function at(json: unknown, pointer: string): unknown {
  if (pointer === "") return json;
  let value: unknown = json;
  for (const part of pointer.slice(1).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
