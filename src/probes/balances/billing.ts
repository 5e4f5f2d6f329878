/**
 * `GET /v1/billing` → `{remaining}`, as HolySheep's tutorials read it. The vendor documents no such endpoint in
 * public, so address, pointers, unit and currency can all be configured.
 */
import { at } from "./custom.ts";
import {
  account,
  amount,
  member,
  type PollContext,
  type Polled,
  required,
  scaledBy,
  underBase,
} from "./poller.ts";

export async function billing({ source, upstream, read }: PollContext): Promise<Polled> {
  const { url, pointer, usedPointer, limitPointer, unit, currency = "USD" } = source;
  const json = await read(url ?? underBase(upstream, "/billing"));
  const left =
    pointer === undefined
      ? (member(json, "remaining") ?? member(json, "data", "remaining"))
      : at(json, pointer);
  const used =
    usedPointer === undefined ? (member(json, "used") ?? member(json, "quota_used")) : at(json, usedPointer);
  const limit =
    limitPointer === undefined
      ? (member(json, "total") ?? member(json, "quota_total"))
      : at(json, limitPointer);
  return {
    accounts: [
      account(currency, {
        balance: scaledBy(unit, required(left, pointer ?? "remaining")),
        used: scaledBy(unit, amount(used)),
        limit: scaledBy(unit, amount(limit)),
      }),
    ],
  };
}
