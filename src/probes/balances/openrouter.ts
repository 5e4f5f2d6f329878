/** `GET /api/v1/credits`, as OpenRouter has it: what was bought and what was used, in dollars. */
import { account, member, type PollContext, type Polled, required, scaledBy, underBase } from "./poller.ts";

export async function openrouter({ source, upstream, read }: PollContext): Promise<Polled> {
  const { unit, currency = "USD" } = source;
  const json = await read(source.url ?? underBase(upstream, "/credits"));
  const bought = required(member(json, "data", "total_credits"), "total_credits");
  const used = required(member(json, "data", "total_usage"), "total_usage");
  const told = {
    balance: scaledBy(unit, bought - used),
    used: scaledBy(unit, used),
    limit: scaledBy(unit, bought),
  };
  return { accounts: [account(currency, told)] };
}
