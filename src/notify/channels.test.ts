/** Every channel, against a stand-in for its vendor that enforces the vendor's limits and answers as it does. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KEYS, Vendors, vendorChannel } from "../../test/helpers/vendors.ts";
import { channels } from "../config/channel-schema.ts";
import type { ChannelConfig } from "../config/schema.ts";
import { type Alert, fingerprintOf } from "../core/alert.ts";
import type { ChannelIo } from "./channel.ts";
import { channelOf } from "./channels/index.ts";
import { PostError, postJson } from "./http-post.ts";
import type { Language } from "./messages/index.ts";
import type { Notification } from "./notification.ts";
import type { Verdict } from "./verdict.ts";

const vendors = new Vendors();
let base = "";
beforeAll(async () => {
  base = await vendors.listen();
});
afterAll(() => vendors.close());

const io: ChannelIo = { post: postJson, now: () => Date.now() };
const START = Date.UTC(2026, 4, 1, 3, 0, 7);

function alert(labels: Record<string, string>, more: Partial<Alert> = {}): Alert {
  return {
    status: "firing",
    labels,
    annotations: {
      summary: "holysheep does not answer",
      summary_zh: "holysheep 无响应",
      description: "All of its last 40 calls failed.",
      value: "100 %",
      runbook_url: "https://docs.example/runbooks/upstream-down",
    },
    startsAt: START,
    endsAt: undefined,
    generatorUrl: "",
    fingerprint: fingerprintOf(labels),
    ...more,
  };
}

const DOWN = alert({ alertname: "upstream-down", severity: "critical", upstream: "holysheep" });

function notification(alerts: readonly Alert[]): Notification {
  return {
    groupKey: '0:{"alertname":"upstream-down"}',
    groupLabels: { alertname: "upstream-down" },
    alerts,
    truncated: 0,
    externalUrl: "https://bellwether.example/#/alerts",
  };
}

function configOf(type: string, wrong = false): ChannelConfig {
  return channels.parse({ it: vendorChannel(type, base, wrong) }).it as ChannelConfig;
}

async function send(config: ChannelConfig, what: Notification, language: Language = "en"): Promise<Verdict> {
  const channel = channelOf(config, "ops");
  for (const message of channel.messages(what, language)) {
    const verdict = await channel.send(message, io);
    if (!verdict.arrived) return verdict;
  }
  return { arrived: true };
}

const TYPES = ["wecom", "dingtalk", "feishu", "slack", "telegram", "pagerduty"];
const secrets = new RegExp(Object.values(KEYS).join("|").replaceAll("/", "\\/"));

describe.each(TYPES)("%s", (type) => {
  it("tells an alert with what happened, where, since when, and what to do", async () => {
    expect(await send(configOf(type), notification([DOWN]))).toEqual({ arrived: true });
    const text = JSON.stringify(vendors.of(type).at(-1)?.body);
    expect(text).toContain("upstream-down");
    expect(text).toContain("holysheep does not answer");
    expect(text).toContain("All of its last 40 calls failed.");
    expect(text).toContain("https://docs.example/runbooks/upstream-down");
    expect(text).toContain("2026-05-01");
  });

  it("stays within the vendor's limits, however much there is to tell", async () => {
    await pauseFor(type);
    const flood = Array.from({ length: 300 }, (_, i) =>
      alert(
        { alertname: "high-latency", severity: i % 2 === 0 ? "warning" : "critical", model: `模型-${i}` },
        { annotations: { summary: "很慢 ".repeat(60), description: "“é”\n".repeat(900) } },
      ),
    );
    const many = type === "pagerduty" ? flood.slice(0, 3) : flood;
    expect(await send(configOf(type), notification(many))).toEqual({ arrived: true });
  });

  it("says what is wrong with a wrong key, without saying the key, and that trying again is no use", async () => {
    await pauseFor(type);
    const verdict = await send(configOf(type, true), notification([DOWN]));
    expect(verdict).toMatchObject({ arrived: false, retry: false });
    const why = verdict.arrived ? "" : verdict.why;
    expect(why).not.toBe("");
    expect(why).not.toMatch(secrets);
  });

  it("tries again when the vendor is down or answers something else", async () => {
    await pauseFor(type);
    for (const body of ["<html>Bad gateway</html>", ""]) {
      vendors.down.set(type, { status: 502, body });
      expect(await send(configOf(type), notification([DOWN]))).toMatchObject({ arrived: false, retry: true });
    }
    vendors.down.set(type, { status: 200, body: "<html>Log in to the guest network</html>" });
    expect(await send(configOf(type), notification([DOWN]))).toMatchObject({ arrived: false, retry: true });
    vendors.down.delete(type);
  });

  it("mentions nobody and links nowhere on behalf of a label's value", async () => {
    await pauseFor(type);
    const hostile = "<!channel> <@all> <at id=all></at> [x](https://evil.example) </b> & **";
    const labels = { alertname: "unpriced", severity: "info", model: hostile };
    expect(await send(configOf(type), notification([alert(labels)]))).toEqual({ arrived: true });
    if (type === "pagerduty") return;
    const text = JSON.stringify(vendors.of(type).at(-1)?.body);
    expect(text).not.toMatch(/<!channel>|<@all>|<at id|<\/b> &(?!amp)/);
    // Slack and Telegram have other links than Markdown's.
    if (type !== "slack" && type !== "telegram") expect(text).not.toMatch(/\]\(https:\/\/evil/);
  });
});

/** Slack takes one message a second. */
async function pauseFor(type: string): Promise<void> {
  if (type === "slack") await new Promise((resolve) => setTimeout(resolve, 1_050));
}

it("PagerDuty gets a trigger for each alert, and the resolve of the same incident", async () => {
  vendors.accepted.length = 0;
  const other = alert({ alertname: "upstream-down", severity: "critical", upstream: "backup" });
  await send(configOf("pagerduty"), notification([DOWN, other]));
  await send(configOf("pagerduty"), notification([{ ...DOWN, status: "resolved", endsAt: START + 65_000 }]));
  const events = vendors.of("pagerduty").map(({ body }) => [body.event_action, body.dedup_key]);
  expect(events.map(([action]) => action)).toEqual(["trigger", "trigger", "resolve"]);
  expect(events[2]?.[1]).toBe(events[0]?.[1]);
  expect(events[1]?.[1]).not.toBe(events[0]?.[1]);
});

it("a webhook gets Alertmanager's payload, and its headers", async () => {
  const config = channels.parse({
    it: { type: "webhook", url: `${base}/webhook`, headers: { authorization: "Bearer hook-secret" } },
  }).it as ChannelConfig;
  expect(await send(config, notification([DOWN]))).toEqual({ arrived: true });
  const { body, headers } = vendors.of("webhook").at(-1) ?? {};
  expect(headers?.authorization).toBe("Bearer hook-secret");
  expect(body).toEqual({
    version: "4",
    groupKey: '0:{"alertname":"upstream-down"}',
    truncatedAlerts: 0,
    status: "firing",
    receiver: "ops",
    groupLabels: { alertname: "upstream-down" },
    commonLabels: DOWN.labels,
    commonAnnotations: DOWN.annotations,
    externalURL: "https://bellwether.example/#/alerts",
    alerts: [
      {
        status: "firing",
        labels: DOWN.labels,
        annotations: DOWN.annotations,
        startsAt: "2026-05-01T03:00:07.000Z",
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "",
        fingerprint: DOWN.fingerprint,
      },
    ],
  });
});

it("an address that does not answer is told without its secrets", async () => {
  const gone = new Vendors();
  const url = await gone.listen();
  await gone.close();
  const config = channels.parse({ it: { type: "wecom", key: KEYS.wecom, url: `${url}/hook` } });
  const sending = send(config.it as ChannelConfig, notification([DOWN]));
  await expect(sending).rejects.toThrow(PostError);
  await expect(sending).rejects.toThrow(/^nothing listens at the address$/);
});

it.each([
  ["en", "Firing · critical · upstream-down: holysheep does not answer"],
  ["zh", "告警 · 严重 · upstream-down: holysheep 无响应"],
  ["de", "Alarm · kritisch · upstream-down: holysheep does not answer"],
  ["vi", "Cảnh báo · nghiêm trọng · upstream-down: holysheep does not answer"],
] as const)("in %s it begins with “%s”", async (language, title) => {
  await send(configOf("dingtalk"), notification([DOWN]), language);
  expect(vendors.of("dingtalk").at(-1)?.body.markdown.title).toBe(title);
});
