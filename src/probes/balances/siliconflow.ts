/** `GET /v1/user/info`, as SiliconFlow has it: amounts as text, in yuan on .cn and dollars on .com. */
import { account, member, type PollContext, type Polled, required, scaledBy, underBase } from "./poller.ts";

export async function siliconflow({ source, upstream, read }: PollContext): Promise<Polled> {
  const json = await read(source.url ?? underBase(upstream, "/user/info"));
  const currency = source.currency ?? (new URL(upstream.baseUrl).hostname.endsWith(".com") ? "USD" : "CNY");
  const balance = scaledBy(source.unit, required(member(json, "data", "totalBalance"), "totalBalance"));
  return { accounts: [account(currency, { balance })] };
}
