/** `GET /v1/users/me/balance`, as Moonshot has it: in yuan on .cn and dollars on .ai. */
import { account, member, type PollContext, type Polled, required, scaledBy, underBase } from "./poller.ts";

export async function moonshot({ source, upstream, read }: PollContext): Promise<Polled> {
  const json = await read(source.url ?? underBase(upstream, "/users/me/balance"));
  const currency = source.currency ?? (new URL(upstream.baseUrl).hostname.endsWith(".ai") ? "USD" : "CNY");
  const left = required(member(json, "data", "available_balance"), "available_balance");
  return { accounts: [account(currency, { balance: scaledBy(source.unit, left) })] };
}
