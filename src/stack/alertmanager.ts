/**
 * Alertmanager's configuration, made of the same channels and routes that Bellwether uses itself. Channels that
 * Alertmanager 0.25 knows get their own receiver, with the secret in a file; the others are reached through
 * Bellwether's webhook, POST /alerts/<channel>.
 */
import { ROOT_CAUSE } from "../alerts/mute.ts";
import { promDuration } from "../alerts/promql.ts";
import type { ChannelConfig, NotifyRoute } from "../config/schema.ts";
import type { StackFacts } from "./facts.ts";
import { groupingOf, patternsOf } from "./matchers.ts";
import { type StackFile, yamlFile } from "./stack-file.ts";

const MS = 1000;
const NOBODY = "nobody";

export function alertmanagerFile(facts: StackFacts): StackFile {
  const { channels } = facts;
  const routes = facts.sender === "grafana" ? [] : facts.routes;
  const only = facts.sender === "bellwether" ? [unseenBy(facts)] : [];
  const receivers = routes.map((route, index) => ({
    name: receiverName(index),
    ...merged(route.to.map((name) => receiverOf(name, channels[name], facts))),
  }));
  return yamlFile(
    "alertmanager/alertmanager.yml",
    {
      route: {
        receiver: NOBODY,
        group_by: ["alertname", "upstream"],
        routes: routes.map((route, index) => routeOf(route, receiverName(index), only)),
      },
      inhibit_rules: [
        // A worse alert of the same family about the same thing.
        inhibit('severity="critical"', 'severity=~"warning|info"', ["family", "upstream", "model"]),
        inhibit('severity="warning"', 'severity="info"', ["family", "upstream", "model"]),
        // An upstream that is down explains its other alerts.
        inhibit(
          `alertname="${ROOT_CAUSE}"`,
          `alertname!="${ROOT_CAUSE}"`,
          ["upstream"],
          'severity!="critical"',
        ),
      ],
      receivers: [{ name: NOBODY }, ...receivers],
    },
    secretsOf(facts),
  );
}

function receiverName(index: number): string {
  return `route-${index + 1}`;
}

/** Of what Bellwether cannot see it cannot tell: that it is gone. */
function unseenBy({ rules }: StackFacts): string {
  const names = rules.filter(({ prometheusOnly }) => prometheusOnly === true).map(({ name }) => name);
  return `alertname=~${JSON.stringify(names.join("|"))}`;
}

function routeOf(route: NotifyRoute, receiver: string, only: readonly string[]): object {
  const { groupWait, groupInterval, repeatEvery } = route;
  const matchers = [
    ...patternsOf(route).map(({ label, pattern }) => `${label}=~${JSON.stringify(pattern)}`),
    ...only,
  ];
  return {
    receiver,
    ...(matchers.length === 0 ? {} : { matchers }),
    group_by: groupingOf(route),
    // Alertmanager takes no wait of nothing.
    group_wait: promDuration(Math.max(1, groupWait / MS)),
    group_interval: promDuration(Math.max(1, groupInterval / MS)),
    repeat_interval: promDuration(repeatEvery / MS),
    ...(route.continue ? { continue: true } : {}),
  };
}

function inhibit(source: string, target: string, equal: readonly string[], ...targets: string[]): object {
  return { source_matchers: [source], target_matchers: [target, ...targets], equal };
}

/** The receivers that Alertmanager 0.25 has itself and that take their secret from a file. */
function receiverOf(
  name: string,
  channel: ChannelConfig | undefined,
  facts: StackFacts,
): Record<string, object[]> {
  const file = (suffix: string): string => `${facts.secrets}/${name}-${suffix}`;
  if (!facts.native || channel === undefined || !isNative(channel)) {
    return { webhook_configs: [ourWebhook(name, facts)] };
  }
  switch (channel.type) {
    case "slack":
      return {
        slack_configs: [{ api_url_file: file("url"), send_resolved: true, title: TITLE, text: TEXT }],
      };
    case "pagerduty":
      return {
        pagerduty_configs: [
          { routing_key_file: file("key"), send_resolved: true, description: TITLE, severity: SEVERITY },
        ],
      };
    case "email":
      return { email_configs: [emailConfig(channel, file("password"))] };
  }
}

type NativeChannel = Extract<ChannelConfig, { type: "slack" | "pagerduty" | "email" }>;

/**
 * Whether Alertmanager can do all that is configured of a channel. It cannot take a PagerDuty address of one's own as the
 * secret it may be, and of a mail server's STARTTLS it knows only whether it is required.
 */
function isNative(channel: ChannelConfig): channel is NativeChannel {
  switch (channel.type) {
    case "slack":
      return true;
    case "pagerduty":
      return channel.url === undefined;
    case "email":
      return channel.starttls !== "opportunistic" && channel.ca === undefined;
    default:
      return false;
  }
}

const TITLE = "{{ .Status | toUpper }} · {{ .CommonLabels.severity }} · {{ .GroupLabels.alertname }}";
const TEXT =
  "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n{{ .Annotations.runbook_url }}\n{{ end }}";
/** PagerDuty has the severities that alerts have here; a group may mix them. */
const SEVERITY = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}error{{ end }}";

function emailConfig(channel: Extract<ChannelConfig, { type: "email" }>, passwordFile: string): object {
  const { hostname, port, protocol, username } = new URL(channel.smtp.reveal());
  const implicit = protocol === "smtps:";
  return {
    to: channel.to.join(", "),
    from: channel.from,
    smarthost: `${hostname}:${port || (implicit ? 465 : 587)}`,
    require_tls: !implicit && channel.starttls === "required",
    send_resolved: true,
    headers: { Subject: TITLE },
    text: TEXT,
    ...(username === ""
      ? {}
      : { auth_username: decodeURIComponent(username), auth_password_file: passwordFile }),
  };
}

function ourWebhook(name: string, { addresses, adminToken, secrets }: StackFacts): object {
  return {
    url: `http://${addresses.bellwether}/alerts/${encodeURIComponent(name)}`,
    send_resolved: true,
    max_alerts: 100,
    ...(adminToken
      ? { http_config: { authorization: { credentials_file: `${secrets}/bellwether-admin-token` } } }
      : {}),
  };
}

function merged(receivers: readonly Record<string, object[]>[]): Record<string, object[]> {
  const all: Record<string, object[]> = {};
  for (const receiver of receivers) {
    for (const [kind, configs] of Object.entries(receiver)) all[kind] = [...(all[kind] ?? []), ...configs];
  }
  return all;
}

/** The files that must hold secrets, with where each is in the configuration. */
export function secretFiles({ channels, adminToken }: Pick<StackFacts, "channels" | "adminToken">): {
  readonly name: string;
  readonly holds: string;
}[] {
  const files = Object.entries(channels).flatMap(([name, channel]) =>
    isNative(channel) ? secretOf(name, channel) : [],
  );
  return adminToken ? [...files, { name: "bellwether-admin-token", holds: "server.adminToken" }] : files;
}

function secretOf(name: string, channel: NativeChannel): { name: string; holds: string }[] {
  switch (channel.type) {
    case "slack":
      return [{ name: `${name}-url`, holds: `channels.${name}.url` }];
    case "pagerduty":
      return [{ name: `${name}-key`, holds: `channels.${name}.routingKey` }];
    case "email":
      return new URL(channel.smtp.reveal()).username === ""
        ? []
        : [{ name: `${name}-password`, holds: `the password in channels.${name}.smtp` }];
  }
}

function secretsOf(facts: StackFacts): string[] {
  const files = secretFiles(facts);
  if (files.length === 0) return [];
  return [
    "Files with secrets that it reads:",
    ...files.map(({ name, holds }) => `  ${facts.secrets}/${name}: ${holds}`),
  ];
}
