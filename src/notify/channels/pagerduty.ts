/**
 * PagerDuty Events API v2: one event for each alert, so that each is an incident of its own that resolves by itself
 * (developer.pagerduty.com, "Send an event"; limits there).
 */
import type { ChannelOf } from "../../config/schema.ts";
import { type Alert, nameOf, type Severity, severityOf } from "../../core/alert.ts";
import type { Channel, Message } from "../channel.ts";
import { badStatus, firstLine, jsonOf } from "../http-post.ts";
import { clip, letterOf } from "../letter.ts";
import type { Language } from "../messages/index.ts";
import { inOrder } from "../notification.ts";
import { ARRIVED, later } from "../verdict.ts";

const HOME = "https://events.pagerduty.com/v2/enqueue";
const LONGEST_SUMMARY = 1024;
const SEVERITIES = { critical: "critical", warning: "warning", info: "info" } as const satisfies Record<
  Severity,
  string
>;

export function pagerduty(config: ChannelOf<"pagerduty">): Channel {
  const url = config.url?.reveal() ?? HOME;
  const routingKey = config.routingKey.reveal();
  return {
    // It answers 429 to what is too much, which is waited for; this only keeps a flood from asking for it.
    rate: { messages: 120, perMs: 60_000 },
    combinable: false,
    messages: (notification, language) =>
      inOrder(notification.alerts).map((alert) => eventOf(alert, language, notification.externalUrl)),
    async send(message, { post }) {
      const answer = await post(url, { routing_key: routingKey, ...message });
      const bad = badStatus(answer);
      if (bad !== undefined) return bad;
      const { status } = jsonOf(answer.text) ?? {};
      return status === "success" ? ARRIVED : later(`not PagerDuty's answer: ${firstLine(answer.text)}`);
    },
  };
}

function eventOf(alert: Alert, language: Language, externalUrl: string): Message {
  const identity = { dedup_key: `bellwether/${alert.fingerprint}` };
  if (alert.status === "resolved") return { ...identity, event_action: "resolve" };
  const letter = letterOf(
    { groupKey: "", groupLabels: {}, alerts: [alert], truncated: 0, externalUrl },
    language,
  );
  const [item] = letter.items;
  return {
    ...identity,
    event_action: "trigger",
    client: "Bellwether",
    ...(externalUrl === "" ? {} : { client_url: externalUrl }),
    payload: {
      summary: clip(item?.heading ?? nameOf(alert), LONGEST_SUMMARY),
      source: alert.labels.upstream ?? alert.labels.instance ?? "bellwether",
      severity: SEVERITIES[severityOf(alert)],
      timestamp: new Date(alert.startsAt).toISOString(),
      component: alert.labels.upstream ?? "gateway",
      group: nameOf(alert),
      custom_details: {
        ...(item?.description ? { description: item.description } : {}),
        ...Object.fromEntries(item?.facts ?? []),
      },
    },
    links: (item?.links ?? []).map((link) => ({ href: link.url, text: link.text })),
  };
}
