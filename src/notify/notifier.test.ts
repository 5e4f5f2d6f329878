/** All channels together, through the stand-ins for their vendors: from an alert, or another program's webhook. */
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { until } from "../../test/helpers/until.ts";
import { KEYS, Vendors } from "../../test/helpers/vendors.ts";
import { channels, notifyRoute } from "../config/channel-schema.ts";
import { systemClock } from "../core/clock.ts";
import { Metrics } from "../metrics/metrics.ts";
import { PayloadError, readPayload } from "./intake.ts";
import { Notifier } from "./notifier.ts";

const vendors = new Vendors();
let base = "";
beforeAll(async () => {
  base = await vendors.listen();
});
afterAll(() => vendors.close());
beforeEach(() => {
  vendors.accepted.length = 0;
});

const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn(), debug: vi.fn() };

function notifier(): { notifier: Notifier; metrics: Metrics } {
  const metrics = new Metrics();
  return { notifier: new Notifier({ clock: systemClock, log, registry: metrics.registry }), metrics };
}

function configured(more: object = {}) {
  return channels.parse({
    wecom: { type: "wecom", key: KEYS.wecom, url: `${base}/wecom`, language: "zh" },
    hook: { type: "webhook", url: `${base}/webhook` },
    ...more,
  });
}

/** What Alertmanager 0.25 posts. */
const ALERTMANAGER = {
  receiver: "bellwether",
  status: "firing",
  alerts: [
    {
      status: "firing",
      labels: { alertname: "UpstreamDown", severity: "critical", upstream: "holysheep" },
      annotations: { summary: "holysheep is down" },
      startsAt: "2026-05-01T03:00:07.123Z",
      endsAt: "0001-01-01T00:00:00Z",
      generatorURL: "http://prometheus:9090/graph?g0.expr=up",
      fingerprint: "c4a1b7e0d5f62938",
    },
    {
      status: "resolved",
      labels: { alertname: "UpstreamDown", severity: "critical", upstream: "backup" },
      annotations: {},
      startsAt: "2026-05-01T02:00:00Z",
      endsAt: "2026-05-01T02:30:00Z",
      generatorURL: "",
      fingerprint: "a1",
    },
  ],
  groupLabels: { alertname: "UpstreamDown" },
  commonLabels: { alertname: "UpstreamDown", severity: "critical" },
  commonAnnotations: {},
  externalURL: "http://alertmanager:9093",
  version: "4",
  groupKey: '{}:{alertname="UpstreamDown"}',
  truncatedAlerts: 3,
};

/** What Grafana 11 posts: the same and more. */
const GRAFANA = {
  ...ALERTMANAGER,
  alerts: [
    {
      ...ALERTMANAGER.alerts[0],
      values: { B: 12.5, C: 1 },
      valueString: "[ var='B' labels={} value=12.5 ]",
      silenceURL: "http://grafana:3000/alerting/silence/new",
      dashboardURL: "",
      panelURL: "",
      imageURL: "",
    },
  ],
  orgId: 1,
  title: "[FIRING:1] UpstreamDown",
  state: "alerting",
  message: "**Firing**",
};

it("delivers Alertmanager's webhook to a robot that Alertmanager cannot reach", async () => {
  const { notifier: all } = notifier();
  all.configure(configured(), []);
  expect(all.tell("wecom", readPayload(JSON.stringify(ALERTMANAGER)))).toBe(true);
  await until(() => vendors.of("wecom").length, 1);
  const { content } = vendors.of("wecom")[0]?.body.markdown ?? {};
  expect(content).toContain("holysheep is down");
  expect(content).toContain("另有 3 条");
  expect(content).toContain("2026-05-01 02:30:00 UTC");
  await all.close(0);
});

it("reads Grafana's webhook, with the value it gives", () => {
  const { alerts } = readPayload(JSON.stringify(GRAFANA));
  expect(alerts).toHaveLength(1);
  expect(alerts[0]?.annotations.value).toContain("12.5");
  expect(alerts[0]?.endsAt).toBeUndefined();
});

it.each([
  ["", /not JSON/],
  ["[]", /the body|webhook payload/],
  ["{}", /^alerts: /],
  ['{"alerts":[]}', /^alerts: /],
  ['{"alerts":[{"status":"on"}]}', /^alerts\.0\.status: /],
  ['{"alerts":[{"status":"firing","startsAt":"yesterday"}]}', /^alerts\.0\.startsAt: is not a time/],
  [`{"alerts":[{"status":"firing","startsAt":"2026-01-01T00:00:00Z","labels":{"a":7}}]}`, /labels\.a/],
])("refuses %s, and says what is wrong", (body, message) => {
  expect(() => readPayload(body)).toThrow(PayloadError);
  expect(() => readPayload(body)).toThrow(message);
});

it("knows no channel that is not configured", () => {
  const { notifier: all } = notifier();
  all.configure(configured(), []);
  expect(all.tell("nowhere", readPayload(JSON.stringify(ALERTMANAGER)))).toBe(false);
});

it("a test message arrives, and says that it is one", async () => {
  const { notifier: all } = notifier();
  all.configure(configured(), []);
  expect(await all.test("wecom")).toEqual({ arrived: true });
  expect(vendors.of("wecom")[0]?.body.markdown.content).toContain("测试消息");
  expect(await all.test("nowhere")).toBeUndefined();
});

it("counts what is sent and what is refused, from zero, and logs the refusal without a secret", async () => {
  const { notifier: all, metrics } = notifier();
  all.configure(configured({ bad: { type: "wecom", key: "wrong-key-7", url: `${base}/wecom` } }), []);
  const count = async (channel: string, outcome: string): Promise<number> => {
    let text = "";
    for await (const piece of (await metrics.page()).body) text += piece;
    const name = `bellwether_notifications_total{channel="${channel}",outcome="${outcome}"} `;
    return Number(
      text
        .split("\n")
        .find((line) => line.startsWith(name))
        ?.slice(name.length),
    );
  };
  expect(await count("wecom", "failed")).toBe(0);
  all.tell("wecom", readPayload(JSON.stringify(ALERTMANAGER)));
  all.tell("bad", readPayload(JSON.stringify(ALERTMANAGER)));
  await until(() => count("wecom", "sent"), 1);
  await until(() => count("bad", "failed"), 1);
  const logged = JSON.stringify(log.error.mock.calls);
  expect(logged).toContain("the robot's key is wrong");
  expect(logged).not.toContain("wrong-key-7");
});

it("a channel that has not changed keeps what waits for it when the configuration is reloaded", async () => {
  const { notifier: all } = notifier();
  all.configure(configured(), []);
  vendors.down.set("webhook", { status: 503, body: "" });
  all.tell("hook", readPayload(JSON.stringify(ALERTMANAGER)));
  await until(() => vendors.refused.filter(({ vendor }) => vendor === "webhook").length > 0, true);
  all.configure(configured({ more: { type: "webhook", url: `${base}/webhook?more` } }), []);
  expect(all.channels).toEqual(["wecom", "hook", "more"]);
  vendors.down.delete("webhook");
  await until(() => vendors.of("webhook").length, 1);
  await all.close(0);
});

it("without routes every channel is told everything; with routes only they count", () => {
  const { notifier: all } = notifier();
  all.configure(configured(), []);
  expect(all.routes).toMatchObject([{ to: ["wecom", "hook"], groupBy: ["alert", "upstream"] }]);
  const route = notifyRoute.parse({ when: { severity: "critical" }, to: ["hook"] });
  all.configure(configured(), [route]);
  expect(all.routes).toEqual([route]);
});
