/** Looks at one upstream for `bellwether doctor`: network, clock, key, account, models, streaming. */
import type { PriceBook } from "../../prices/book.ts";
import { keyFault } from "../../upstreams/key-check.ts";
import { keyCount } from "../../upstreams/one-key.ts";
import type { Upstream } from "../../upstreams/upstream.ts";
import { probes } from "../index.ts";
import type { Account, ProbeName } from "../probe.ts";
import type { Result } from "../run.ts";
import type { ProbeService } from "../service.ts";
import { canBeAsked, keyProbe } from "../settings.ts";
import type { AilmentName, CheckName } from "./ailments.ts";

/** What was found: something wrong, or (without `ailment`) something that is well. */
export interface Symptom {
  readonly check: CheckName;
  readonly ailment: AilmentName | undefined;
  /** The upstream it is about, or "". */
  readonly about: string;
  /** What was seen. Holds no secret. */
  readonly detail: string;
}

export interface Examination {
  readonly upstream: Upstream;
  readonly service: ProbeService;
  readonly prices: PriceBook;
  /** The models that the configuration says it serves. */
  readonly models: readonly string[];
  readonly passthrough: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const DAY_MS = 86_400_000;
const SOON_MS = 14 * DAY_MS;
const SLOW_MS = 1_000;
const SKEW_MS = 30_000;
/** A balance below this many units of its currency is low, whatever the currency. */
const LOW = 1;

/** Everything that can be seen of one upstream, in the order of the checks. */
export async function examine(examination: Examination): Promise<Symptom[]> {
  const { upstream, now } = examination;
  const symptom = (check: CheckName, ailment: AilmentName | undefined, detail: string): Symptom => ({
    check,
    ailment,
    about: upstream.name,
    detail,
  });
  const found: Symptom[] = [...keyForm(examination, symptom)];
  const connection = await ask(examination, "tls");
  found.push(...network(connection, now, symptom));
  // Who cannot be reached cannot be asked either; one complaint is enough.
  if (connection?.success !== true) return found;

  const [models, balance, chat] = [
    await ask(examination, "models"),
    await ask(examination, "balance"),
    await ask(examination, "chat"),
  ];
  const answers = [models, balance, chat].filter((result) => result !== undefined);
  found.push(...clock(answers, symptom), ...keyState(answers, now, symptom));
  found.push(...(await furtherKeys(examination, symptom)));
  const refused = answers.some(({ key }) => key === "invalid" || key === "expired");
  found.push(...account(examination, balance, refused, symptom));
  found.push(...listedModels(examination, models, refused, symptom));
  found.push(...streaming(chat, refused, symptom));
  return found;
}

type Make = (check: CheckName, ailment: AilmentName | undefined, detail: string) => Symptom;

async function ask(
  { service, upstream, passthrough }: Examination,
  name: ProbeName,
): Promise<Result | undefined> {
  if (!canBeAsked(probes[name], upstream, passthrough)) return undefined;
  return service.ask(upstream.name, probes[name]);
}

function keyForm({ upstream, passthrough }: Examination, symptom: Make): Symptom[] {
  if (upstream.apiKey === undefined) {
    return passthrough ? [] : [symptom("key", "no_key", "no key is configured")];
  }
  return (upstream.apiKeys ?? [upstream.apiKey]).flatMap((key, index) => {
    const fault = keyFault(key);
    if (fault === undefined) return [];
    const which = upstream.apiKeys === undefined ? "the key" : keyName(upstream, index + 1);
    return [symptom("key", "key_malformed", `${which} ${fault.fault}: ${fault.fix}`)];
  });
}

/** Every key after the first, asked with the probe that says most of keys. */
async function furtherKeys(examination: Examination, symptom: Make): Promise<Symptom[]> {
  const { upstream, service, now, passthrough } = examination;
  const names = (["models", "balance", "chat"] as const).filter((name) =>
    canBeAsked(probes[name], upstream, passthrough),
  );
  const proof = keyProbe(names, upstream);
  const found: Symptom[] = [];
  for (let key = 2; proof !== undefined && key <= keyCount(upstream); key++) {
    const answer = await service.ask(upstream.name, probes[proof], undefined, key);
    const quota = answer.key === "no_quota" || answer.outcome === "no_quota";
    const seen = quota
      ? [symptom("key", "key_no_quota", answer.message || "nothing is left")]
      : keyState([answer], now, symptom);
    found.push(...seen.map((each) => ({ ...each, detail: `${keyName(upstream, key)}: ${each.detail}` })));
  }
  return found;
}

function keyName(upstream: Upstream, key: number): string {
  return `key ${key} of ${keyCount(upstream)}`;
}

function network(connection: Result | undefined, now: number, symptom: Make): Symptom[] {
  if (connection === undefined) return [];
  const { success, message, finding, durationMs } = connection;
  if (!success) {
    const kind = message.includes("looked up")
      ? "dns_fails"
      : message.startsWith("TLS")
        ? "tls_fails"
        : "connect_fails";
    return [symptom("network", kind, message)];
  }
  const { dns = 0, connect = 0, tls } = finding.phases ?? {};
  const steps = `look-up ${ms(dns)}, connection ${ms(connect)}${tls === undefined ? "" : `, TLS ${ms(tls)}`}`;
  const found = [symptom("network", durationMs > SLOW_MS ? "connect_slow" : undefined, steps)];
  const { certificateExpiresAt } = finding;
  if (certificateExpiresAt !== undefined && certificateExpiresAt - now < SOON_MS) {
    found.push(symptom("network", "certificate_expires_soon", `on ${day(certificateExpiresAt)}`));
  }
  return found;
}

function clock(answers: readonly Result[], symptom: Make): Symptom[] {
  const skew = answers.map(({ finding }) => finding.clockSkewMs).find((value) => value !== undefined);
  if (skew === undefined) return [];
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (Math.abs(skew) <= SKEW_MS) return [symptom("clock", undefined, "agrees with the upstream's")];
  return [
    symptom("clock", "clock_skewed", `this machine's is ${seconds} s ${skew > 0 ? "behind" : "ahead"}`),
  ];
}

function keyState(answers: readonly Result[], now: number, symptom: Make): Symptom[] {
  const bad = answers.find(({ key }) => key === "invalid" || key === "expired");
  if (bad !== undefined) {
    return [symptom("key", bad.key === "expired" ? "key_expired" : "key_refused", bad.message)];
  }
  const expires = answers.map(({ finding }) => finding.keyExpiresAt).find((value) => value !== undefined);
  if (expires !== undefined && expires - now < SOON_MS) {
    return [symptom("key", expires <= now ? "key_expired" : "key_expires_soon", `on ${day(expires)}`)];
  }
  return answers.some(({ key }) => key === "valid")
    ? [symptom("key", undefined, "the upstream accepts it")]
    : [];
}

function account(
  { upstream }: Examination,
  balance: Result | undefined,
  refused: boolean,
  symptom: Make,
): Symptom[] {
  if (balance === undefined) {
    return upstream.probing?.balance === undefined &&
      upstream.apiKey !== undefined &&
      upstream.owns.length === 0
      ? [symptom("account", "account_unknown", "no `balance` is configured")]
      : [];
  }
  const { success, message, outcome, finding, key } = balance;
  if (outcome === "no_quota" || key === "no_quota") {
    return [symptom("account", "key_no_quota", message || "nothing is left")];
  }
  if (!success) return refused ? [] : [symptom("account", "account_unread", message)];
  return (finding.accounts ?? []).map((each) =>
    symptom("account", (each.balance ?? LOW) < LOW ? "balance_low" : undefined, amountText(each)),
  );
}

function amountText({ balance, used, currency, unlimited }: Account): string {
  if (unlimited) return "without a limit";
  return balance === undefined ? `${used ?? 0} ${currency} used` : `${balance} ${currency} left`;
}

function listedModels(
  { models, prices, upstream, now }: Examination,
  list: Result | undefined,
  refused: boolean,
  symptom: Make,
): Symptom[] {
  const unpriced = models
    .filter((model) => prices.price(upstream.name, model, now) === undefined)
    .map((model) => symptom("models", "model_unpriced", model));
  if (list === undefined || (refused && !list.success)) return unpriced;
  if (!list.success) {
    return list.key === "no_quota"
      ? unpriced
      : [symptom("models", "models_unread", list.message), ...unpriced];
  }
  const names = new Set(list.finding.models);
  const missing = models.filter((model) => !names.has(model));
  return [
    symptom("models", undefined, `${names.size} in the upstream's list`),
    ...missing.map((model) => symptom("models", "model_missing", model)),
    ...unpriced,
  ];
}

function streaming(chat: Result | undefined, refused: boolean, symptom: Make): Symptom[] {
  if (chat === undefined || (refused && !chat.success)) return [];
  const { success, outcome, message, task, finding, usages, durationMs } = chat;
  if (outcome === "no_quota") return [symptom("account", "key_no_quota", message)];
  if (outcome === "rate_limit") return [symptom("streaming", "rate_limited", message)];
  if (!success) return [symptom("streaming", "chat_fails", `${task.model}: ${message}`)];
  const first = finding.phases?.first_token ?? 0;
  const output = usages.at(-1)?.quantities.outputTokens ?? 0;
  // All tokens at once, after a wait in which some would have come.
  const buffered = output >= 8 && first > 1_000 && durationMs - first < first * 0.01;
  const detail = `${task.model}: first token after ${ms(first)}, all after ${ms(durationMs)}`;
  return [symptom("streaming", buffered ? "stream_buffered" : undefined, detail)];
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
