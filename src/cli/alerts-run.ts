/** The work of `bellwether alerts`, but for the drill. */
import { alertRules } from "../alerts/resolve.ts";
import { environment } from "../config/environment.ts";
import { type Loaded, loadConfig } from "../config/load.ts";
import { parseDuration } from "../config/units.ts";
import type { AlertRow, AlertsAnswer, NewSilence, SilenceRow } from "../http/api.ts";
import { type AdminAddress, askAdmin, localAddress } from "./admin-client.ts";
import { styler } from "./style.ts";

export interface AlertsOptions {
  readonly config?: string;
  readonly url?: string;
  readonly json?: true;
}

const FIRING_STATUS = 2;

/** Prints the alerts; the exit status. Without a server, the rules that it would have. */
export async function listAlerts(options: AlertsOptions, all: boolean): Promise<number> {
  const { loaded, address } = await whom(options);
  const answer = (await askAdmin(address, "/api/alerts")) as AlertsAnswer | undefined;
  if (answer === undefined) {
    if (!all || options.url !== undefined) throw nobody(address);
    listRules(loaded, options.json === true);
    return 0;
  }
  const shown = all ? answer.alerts : answer.alerts.filter(({ state }) => state !== "inactive");
  const firing = answer.alerts.filter(({ state }) => state === "firing");
  if (options.json) print(shown);
  else if (shown.length === 0)
    process.stdout.write(`Nothing fires; ${answer.alerts.length} rules are watched.\n`);
  else for (const alert of shown) process.stdout.write(alertText(alert));
  return firing.length > 0 ? FIRING_STATUS : 0;
}

function alertText(alert: AlertRow): string {
  const paint = styler(process.stdout);
  const { state, severity, name, labels, value, since, muted, summary } = alert;
  const colour = state === "inactive" ? "dim" : severity === "critical" ? "red" : "yellow";
  const about = Object.entries(labels)
    .filter(([label]) => !["alertname", "severity", "family"].includes(label))
    .map(([label, text]) => `${label}=${text}`);
  const parts = [
    paint(colour, state.padEnd(8)),
    severity.padEnd(8),
    paint("bold", name),
    ...about,
    ...(value === null ? [] : [value]),
    ...(since === null ? [] : [`since ${timeText(since)}`]),
    ...(muted === null ? [] : [paint("dim", `(${muted})`)]),
  ];
  const text = summary.en;
  return `${parts.join("  ")}\n${state === "inactive" || text === undefined ? "" : `  ${filled(text, alert)}\n`}`;
}

/** `2026-11-21 13:51:05 UTC`; `--json` has milliseconds. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A sentence with its labels and value put in. */
function filled(text: string, { labels, value }: AlertRow): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === "value" ? (value ?? "") : (labels[name] ?? ""),
  );
}

function listRules(loaded: Loaded, json: boolean): void {
  const rules = alertRules(loaded.config).map(({ name, severity, forS, summary }) => ({
    name,
    severity,
    forSeconds: forS,
    summary: summary.en,
  }));
  if (json) return print(rules);
  process.stderr.write("Bellwether does not run here; these are the rules it would have.\n");
  const width = Math.max(...rules.map(({ name }) => name.length));
  for (const { name, severity, forSeconds, summary } of rules) {
    const wait = forSeconds > 0 ? `${forSeconds} s` : "at once";
    process.stdout.write(`${severity.padEnd(8)}  ${name.padEnd(width)}  ${wait.padEnd(8)}  ${summary}\n`);
  }
}

export async function alertHistory(options: AlertsOptions): Promise<void> {
  const { events } = await ask<AlertsAnswer>(options, "/api/alerts");
  if (options.json) return print(events);
  if (events.length === 0) process.stdout.write("Nothing has fired yet.\n");
  const paint = styler(process.stdout);
  for (const { at, what, name, severity, summary } of events) {
    const state = paint(what === "fired" ? "red" : "green", what.padEnd(8));
    process.stdout.write(`${timeText(at)}  ${state}  ${severity.padEnd(8)}  ${name}  ${summary}\n`);
  }
}

export async function listSilences(options: AlertsOptions): Promise<void> {
  const { silences } = await ask<AlertsAnswer>(options, "/api/alerts");
  if (options.json) return print(silences);
  if (silences.length === 0) process.stdout.write("Nothing is silenced.\n");
  for (const silence of silences) process.stdout.write(silenceText(silence));
}

function silenceText({ id, matchers, until, comment }: SilenceRow): string {
  const what = Object.entries(matchers).map(([label, value]) => `${label}=${value}`);
  return `${id}  ${what.join(" ")}  until ${timeText(until)}${comment === "" ? "" : `  ${comment}`}\n`;
}

export async function silenceAlerts(
  matchers: readonly string[],
  options: AlertsOptions & { readonly for: string; readonly comment?: string },
): Promise<void> {
  const duration = parseDuration(options.for);
  if (duration === undefined)
    throw new Error(`--for: ${options.for} is no duration; write it as 2h, 30m or 1d`);
  const body: NewSilence = {
    matchers: Object.fromEntries(matchers.map(matcherOf)),
    duration,
    ...(options.comment === undefined ? {} : { comment: options.comment }),
  };
  const silence = await ask<SilenceRow>(options, "/api/alerts/silences", { method: "POST", body });
  if (options.json) return print(silence);
  process.stdout.write(silenceText(silence));
}

/** `label=value`, or an alert's name alone; `alert` is how people call Prometheus' `alertname`. */
function matcherOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at === -1) return ["alertname", text];
  const label = text.slice(0, at);
  return [label === "alert" ? "alertname" : label, text.slice(at + 1)];
}

export async function endSilence(id: string, options: AlertsOptions): Promise<void> {
  const { address } = await whom(options);
  const path = `/api/alerts/silences/${encodeURIComponent(id)}`;
  const { silences } = await ask<AlertsAnswer>(options, "/api/alerts");
  if (!silences.some((silence) => silence.id === id)) {
    throw new Error(`there is no silence ${id}; \`bellwether alerts silences\` prints them`);
  }
  await askAdmin(address, path, { method: "DELETE" });
  if (options.json) print({ ended: id });
  else process.stdout.write(`${id} has ended.\n`);
}

async function ask<Answer extends object>(
  options: AlertsOptions,
  path: string,
  how?: Parameters<typeof askAdmin>[2],
): Promise<Answer> {
  const { address } = await whom(options);
  const answer = await askAdmin(address, path, how);
  if (typeof answer !== "object" || answer === null) throw nobody(address);
  return answer as Answer;
}

async function whom(options: AlertsOptions): Promise<{ loaded: Loaded; address: AdminAddress }> {
  const env = environment();
  const loaded = await loadConfig({ file: options.config, cwd: process.cwd(), env });
  return {
    loaded,
    address: { url: options.url ?? localAddress(loaded), token: env.BELLWETHER_ADMIN_TOKEN },
  };
}

function nobody({ url }: AdminAddress): Error {
  return new Error(
    `no Bellwether answers at ${url}. Start it with \`bellwether serve\`, or name another with --url.`,
  );
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
