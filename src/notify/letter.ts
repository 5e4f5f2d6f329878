/**
 * A notification as text in a language, without any channel's markup: the one place that decides what people
 * read. Channels only dress it, and shorten it to what they may send.
 */
import { type Alert, nameOf, type Severity, severityOf } from "../core/alert.ts";
import { fill, type Language, languages } from "./messages/index.ts";
import { inOrder, type Notification, statusOf, worstOf } from "./notification.ts";

export interface Letter {
  readonly status: "firing" | "resolved";
  readonly severity: Severity;
  /** One line that says it all. */
  readonly title: string;
  readonly items: readonly LetterItem[];
  /** "and 7 more", or "" when all are shown. */
  readonly more: string;
  readonly link: Link | undefined;
}

export interface LetterItem {
  readonly status: "firing" | "resolved";
  readonly severity: Severity;
  /** "[critical] upstream-down: holysheep does not answer" */
  readonly heading: string;
  /** Sentences that say more, or "". */
  readonly description: string;
  /** Name and value. */
  readonly facts: readonly (readonly [string, string])[];
  readonly links: readonly Link[];
}

export interface Link {
  readonly text: string;
  readonly url: string;
}

/** Labels that say nothing that the heading does not. */
const SAID_ALREADY = new Set(["alertname", "severity"]);
/** Longest description and label value taken over, in characters: an alert is not a place for a log. */
const LONGEST_TEXT = 1_000;
const LONGEST_VALUE = 200;

/** Writes the first `count` alerts of a notification, the most urgent first. */
export function letterOf(
  notification: Notification,
  language: Language,
  count = Number.MAX_SAFE_INTEGER,
): Letter {
  const words = languages[language];
  const alerts = inOrder(notification.alerts);
  const left = Math.max(0, alerts.length - count) + notification.truncated;
  const [first] = alerts;
  const status = statusOf(notification);
  const severity = worstOf(notification);
  const total = alerts.length + notification.truncated;
  const what = total === 1 && first !== undefined ? headline(first, language) : about(notification, language);
  return {
    status,
    severity,
    title: `${words[status]} · ${words[severity]} · ${what}`,
    items: alerts.slice(0, count).map((alert) => itemOf(alert, language)),
    more: left === 0 ? "" : fill(words.more, { count: left }),
    link:
      notification.externalUrl === "" ? undefined : { text: words.dashboard, url: notification.externalUrl },
  };
}

/** What a group of several alerts is about: their name if they share it, and how many there are. */
function about({ alerts, truncated }: Notification, language: Language): string {
  const names = [...new Set(alerts.map(nameOf))];
  const shown = names.length > 3 ? `${names.slice(0, 3).join(", ")}, …` : names.join(", ");
  return `${shown} (${fill(languages[language].alerts, { count: alerts.length + truncated })})`;
}

function itemOf(alert: Alert, language: Language): LetterItem {
  const words = languages[language];
  const severity = severityOf(alert);
  const facts: [string, string][] = Object.entries(alert.labels)
    .filter(([name]) => !SAID_ALREADY.has(name))
    .map(([name, value]) => [name, clip(value, LONGEST_VALUE)]);
  const { value = "", runbook_url: runbook = "" } = alert.annotations;
  if (value !== "") facts.push([words.value, clip(value, LONGEST_VALUE)]);
  facts.push([words.since, timeText(alert.startsAt)]);
  if (alert.status === "resolved" && alert.endsAt !== undefined) {
    facts.push([words.ended, timeText(alert.endsAt)]);
    facts.push([words.lasted, durationText(alert.endsAt - alert.startsAt)]);
  }
  const links = [
    { text: words.runbook, url: runbook },
    { text: words.details, url: alert.generatorUrl },
  ];
  return {
    status: alert.status,
    severity,
    heading: `[${words[alert.status === "resolved" ? "resolved" : severity]}] ${headline(alert, language)}`,
    description: clip(said(alert, "description", language), LONGEST_TEXT),
    facts,
    links: links.filter(({ url }) => /^https?:\/\//.test(url)),
  };
}

function headline(alert: Alert, language: Language): string {
  const summary = clip(said(alert, "summary", language), LONGEST_VALUE);
  return summary === "" ? nameOf(alert) : `${nameOf(alert)}: ${summary}`;
}

/** An annotation in the language, else as it is. */
function said(alert: Alert, name: string, language: Language): string {
  return alert.annotations[`${name}_${language}`] ?? alert.annotations[name] ?? "";
}

/** Shortens a text to a number of characters (code points), without control characters but for newlines. */
export function clip(text: string, longest: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const clean = text.replace(/[\u0000-\u0009\u000b-\u001f\u007f]+/g, " ").trim();
  if (clean.length <= longest) return clean;
  const characters = [...clean];
  return characters.length <= longest ? clean : `${characters.slice(0, longest - 1).join("")}…`;
}

/** Seconds are enough for people: `2026-05-01 03:00:07 UTC`. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** The two largest units: `2d 3h`, `14m 5s`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}
