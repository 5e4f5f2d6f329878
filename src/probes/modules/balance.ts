/** What is left on the upstream's account, by the poller that its preset or its `balance` names. */
import { leastIntervals, pollers } from "../balances/index.ts";
import { type Finding, type Probe, type ProbeContext, ProbeFailure } from "../probe.ts";
import { checkAnswer } from "../verdict.ts";

export const balance: Probe = {
  name: "balance",
  about: "what is left on the account",
  costs: false,
  leastIntervalMs: ({ probing }) => leastIntervals[probing?.balance?.poller ?? "custom"] ?? 0,
  applies: ({ probing }) => probing?.balance !== undefined,
  run,
};

async function run({ upstream, read, clock }: ProbeContext): Promise<Finding> {
  const source = upstream.probing?.balance;
  if (source === undefined) throw new ProbeFailure("not_found", "the upstream's account cannot be read");
  const key = source.apiKey ?? upstream.apiKey;
  const { accounts, keyExpiresAt } = await pollers[source.poller]({
    source,
    upstream,
    now: clock.wall(),
    read: async (url) => {
      const answer = await read(url, key);
      checkAnswer(answer, [upstream.apiKey, source.apiKey]);
      if (answer.json !== undefined) return answer.json;
      throw new ProbeFailure("malformed", `${url} did not answer with JSON`, { status: answer.status });
    },
  });
  const expired = keyExpiresAt !== undefined && keyExpiresAt <= clock.wall();
  const spent =
    accounts.length > 0 && accounts.every((account) => !account.unlimited && (account.balance ?? 1) <= 0);
  // Another key than the upstream's proves nothing of that one.
  const own = source.apiKey === undefined && upstream.apiKey !== undefined;
  const state = expired ? "expired" : spent ? "no_quota" : "valid";
  return { accounts, keyExpiresAt, ...(own ? { key: state } : {}) };
}
