/** `GET /api/usage/token/`, as new-api has it: the quota of this one key, in units of which `/api/status` says the worth. */
import {
  account,
  amount,
  expiryOf,
  member,
  type PollContext,
  type Polled,
  required,
  scaledBy,
  underRoot,
} from "./poller.ts";

/** Units to a dollar, where the relay does not say. Source: new-api's default `QuotaPerUnit`. */
const QUOTA_PER_UNIT = 500_000;

export async function newApi({ source, upstream, read }: PollContext): Promise<Polled> {
  const { currency = "USD" } = source;
  const json = await read(source.url ?? underRoot(upstream, "/api/usage/token/"));
  const unit = source.unit ?? (await unitOf(upstream, read));
  const keyExpiresAt = expiryOf(member(json, "data", "expires_at"));
  const used = scaledBy(unit, amount(member(json, "data", "total_used")));
  if (member(json, "data", "unlimited_quota") === true) {
    return {
      accounts: [{ currency, balance: undefined, used, limit: undefined, unlimited: true }],
      keyExpiresAt,
    };
  }
  const told = {
    balance: scaledBy(unit, required(member(json, "data", "total_available"), "total_available")),
    used,
    limit: scaledBy(unit, amount(member(json, "data", "total_granted"))),
  };
  return { accounts: [account(currency, told)], keyExpiresAt };
}

async function unitOf(upstream: PollContext["upstream"], read: PollContext["read"]): Promise<number> {
  const status = await read(underRoot(upstream, "/api/status"));
  const told = amount(member(status, "data", "quota_per_unit"));
  return told === undefined || told <= 0 ? QUOTA_PER_UNIT : told;
}
