/**
 * `GET /v1/dashboard/billing/subscription` and `…/usage`, as one-api and new-api serve them for OpenAI's old
 * clients. What they call dollars may be another currency or raw quota, as the relay is set up: `currency`
 * and `unit` say so.
 */
import {
  account,
  expiryOf,
  member,
  type PollContext,
  type Polled,
  required,
  scaledBy,
  underBase,
} from "./poller.ts";

/** What these relays say for a key without a limit; some count in hundredths of it. */
const UNLIMITED = 100_000_000;
const CENTS = 100;
const DAY_MS = 86_400_000;

export async function oneApi({ source, upstream, read, now }: PollContext): Promise<Polled> {
  const { unit, currency = "USD" } = source;
  const base = source.url ?? underBase(upstream, "/dashboard/billing");
  const subscription = await read(`${base}/subscription`);
  // Relays that look at the range take at most 100 days; the others ignore it.
  const range = `start_date=${day(now - 99 * DAY_MS)}&end_date=${day(now + DAY_MS)}`;
  const usage = await read(`${base}/usage?${range}`);
  const limit = required(member(subscription, "hard_limit_usd"), "hard_limit_usd");
  const used = required(member(usage, "total_usage"), "total_usage") / CENTS;
  const keyExpiresAt = expiryOf(member(subscription, "access_until"));
  if (limit >= UNLIMITED) {
    const spent = scaledBy(unit, used);
    return {
      accounts: [{ currency, balance: undefined, used: spent, limit: undefined, unlimited: true }],
      keyExpiresAt,
    };
  }
  const told = {
    balance: scaledBy(unit, limit - used),
    used: scaledBy(unit, used),
    limit: scaledBy(unit, limit),
  };
  return { accounts: [account(currency, told)], keyExpiresAt };
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
