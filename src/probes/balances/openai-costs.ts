/**
 * `GET /v1/organization/costs`, as OpenAI has it: what this month has cost so far. OpenAI tells no balance. It needs
 * an admin key (`balance.apiKey`).
 */
import { ProbeFailure } from "../probe.ts";
import { account, member, type PollContext, type Polled, required, scaledBy, underBase } from "./poller.ts";

/** A month has no more days, and so no more buckets. */
const MAX_DAYS = 31;
const MAX_PAGES = 4;

export async function openaiCosts({ source, upstream, read, now }: PollContext): Promise<Polled> {
  const today = new Date(now);
  const month = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1) / 1000;
  const base = source.url ?? underBase(upstream, "/organization/costs");
  const spent = new Map<string, number>();
  let page = "";
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const json = await read(`${base}?start_time=${month}&limit=${MAX_DAYS}${page}`);
    for (const cost of costsOf(json)) {
      spent.set(cost.currency, (spent.get(cost.currency) ?? 0) + cost.value);
    }
    const next = member(json, "next_page");
    if (member(json, "has_more") !== true || typeof next !== "string") break;
    page = `&page=${encodeURIComponent(next)}`;
  }
  if (spent.size === 0) spent.set(source.currency ?? "USD", 0);
  const accounts = [...spent].map(([currency, used]) =>
    account(source.currency ?? currency, { used: scaledBy(source.unit, used) }),
  );
  return { accounts };
}

function costsOf(json: unknown): { readonly currency: string; readonly value: number }[] {
  const buckets = member(json, "data");
  if (!Array.isArray(buckets)) throw new ProbeFailure("malformed", "the answer has no list of costs");
  return buckets.flatMap((bucket: unknown) => {
    const results = member(bucket, "results");
    if (!Array.isArray(results)) return [];
    return results.map((result: unknown) => {
      const currency = member(result, "amount", "currency");
      return {
        currency:
          typeof currency === "string" && /^[a-z]{3}$/i.test(currency) ? currency.toUpperCase() : "USD",
        value: required(member(result, "amount", "value"), "amount.value"),
      };
    });
  });
}
