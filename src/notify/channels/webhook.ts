/**
 * Any receiver of Alertmanager's webhook, version 4 of its payload (prometheus.io/docs/alerting/latest/configuration,
 * "webhook_config"). Any status of 2xx is a success.
 */
import type { ChannelOf } from "../../config/schema.ts";
import type { Channel, Message } from "../channel.ts";
import { badStatus } from "../http-post.ts";
import { commonOf, type Notification, statusOf } from "../notification.ts";
import { ARRIVED } from "../verdict.ts";

/** `endsAt` of an alert that fires. */
const NEVER = "0001-01-01T00:00:00Z";

export function webhook(config: ChannelOf<"webhook">, name: string): Channel {
  const url = config.url.reveal();
  const headers = Object.fromEntries(
    Object.entries(config.headers).map(([header, value]) => [header, value.reveal()]),
  );
  return {
    rate: { messages: 600, perMs: 60_000 },
    combinable: false,
    messages: (notification) => [payloadOf(notification, name)],
    async send(message, { post }) {
      return badStatus(await post(url, message, headers)) ?? ARRIVED;
    },
  };
}

function payloadOf(notification: Notification, receiver: string): Message {
  const { alerts, groupKey, groupLabels, truncated, externalUrl } = notification;
  return {
    version: "4",
    groupKey,
    truncatedAlerts: truncated,
    status: statusOf(notification),
    receiver,
    groupLabels,
    commonLabels: commonOf(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
    externalURL: externalUrl,
    alerts: alerts.map(({ status, labels, annotations, startsAt, endsAt, generatorUrl, fingerprint }) => ({
      status,
      labels,
      annotations,
      startsAt: new Date(startsAt).toISOString(),
      endsAt: endsAt === undefined ? NEVER : new Date(endsAt).toISOString(),
      generatorURL: generatorUrl,
      fingerprint,
    })),
  };
}
