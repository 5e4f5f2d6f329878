/** `GET /user/balance`, as DeepSeek has it: one entry for each currency, amounts as text. */
import { ProbeFailure } from "../probe.ts";
import { account, member, type PollContext, type Polled, required, scaledBy, underRoot } from "./poller.ts";

/** More currencies than any account has. */
const MAX_ENTRIES = 8;

export async function deepseek({ source, upstream, read }: PollContext): Promise<Polled> {
  const json = await read(source.url ?? underRoot(upstream, "/user/balance"));
  const entries = member(json, "balance_infos");
  if (!Array.isArray(entries)) throw new ProbeFailure("malformed", "the answer has no list balance_infos");
  const accounts = entries.slice(0, MAX_ENTRIES).map((entry: unknown) => {
    const told = member(entry, "currency");
    const currency = typeof told === "string" && /^[A-Z]{3}$/.test(told) ? told : (source.currency ?? "CNY");
    const balance = required(member(entry, "total_balance"), "total_balance");
    return account(currency, { balance: scaledBy(source.unit, balance) });
  });
  return { accounts };
}
