/**
 * From the fault to the message and back: a simulated relay breaks, an alert fires, and every channel is told, by
 * Bellwether alone and through the real Prometheus and Alertmanager.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { channels as channelSchema } from "../../src/config/channel-schema.ts";
import { DRILL_ALERT, type DrillStep, fireDrill } from "../../src/fire-drill.ts";
import { MailServer } from "../helpers/mail-server.ts";
import { describeWithProgram, systemProgram } from "../helpers/system-program.ts";
import { Vendors, vendorChannel } from "../helpers/vendors.ts";

const VENDORS = ["slack", "wecom", "dingtalk", "feishu", "telegram", "pagerduty", "webhook"];

const hasMail = systemProgram("aiosmtpd") !== undefined;
let vendors: Vendors;
let mail: MailServer | undefined;
let url: string;

beforeAll(async () => {
  if (!hasMail) return;
  mail = new MailServer();
  await mail.start();
});
afterAll(() => mail?.stop());

beforeEach(async () => {
  vendors = new Vendors();
  url = await vendors.listen();
  mail?.mails.splice(0);
  return () => vendors.close();
});

function channels(): ReturnType<typeof channelSchema.parse> {
  const written = Object.fromEntries(VENDORS.map((type) => [`ops-${type}`, vendorChannel(type, url)]));
  const smtp = `smtp://127.0.0.1:${mail?.port}`;
  const email = { type: "email", smtp, from: "a@shop.example", to: ["b@shop.example"], starttls: "off" };
  return channelSchema.parse(mail === undefined ? written : { ...written, "ops-mail": email });
}

/** Which channels were told, of what: the text of each message. */
function messages(type: string): string[] {
  return vendors.of(type).map(({ body }) => JSON.stringify(body));
}

async function drill(through: "bellwether" | "prometheus"): Promise<DrillStep[]> {
  const steps: DrillStep[] = [];
  const options = {
    channels: channels(),
    notify: [],
    severity: "critical" as const,
    through,
    searchPath: process.env.PATH ?? "",
    onStep: (step: DrillStep) => steps.push(step),
  };
  const results = await fireDrill(options);
  expect(results).toHaveLength(Object.keys(options.channels).length);
  for (const result of results) {
    expect(result).toEqual({
      channel: expect.any(String),
      toldMs: expect.any(Number),
      overMs: expect.any(Number),
    });
  }
  return steps;
}

function expectEveryVendorTold(): void {
  expect(vendors.refused).toEqual([]);
  for (const type of VENDORS) {
    const [fires = "", over = "", ...more] = messages(type);
    expect(fires, type).toContain(DRILL_ALERT);
    // PagerDuty is told which incident it is by a key of ours.
    expect(over, type).toContain(type === "pagerduty" ? '"dedup_key":"bellwether/' : DRILL_ALERT);
    expect(more, type).toEqual([]);
  }
  expect(messages("pagerduty")[0]).toContain('"event_action":"trigger"');
  expect(messages("pagerduty")[1]).toContain('"event_action":"resolve"');
  expect(messages("webhook")[0]).toContain('"status":"firing"');
  expect(messages("webhook")[1]).toContain('"status":"resolved"');
  if (mail === undefined) return;
  expect(mail.mails.map(({ subject }) => subject)).toEqual([
    expect.stringContaining(DRILL_ALERT),
    expect.stringContaining(DRILL_ALERT),
  ]);
}

describe("a fault", () => {
  it("reaches every channel once from Bellwether alone, and its end too", async () => {
    const steps = await drill("bellwether");
    expectEveryVendorTold();
    const order = steps.filter(({ channel }) => channel === undefined).map(({ what }) => what);
    expect(order).toEqual(["ready", "broken", "fires", "healed", "resolved"]);
  });

  it("that a channel does not hear of is told as such", async () => {
    vendors.down.set("wecom", { status: 200, body: { errcode: 93000, errmsg: "invalid webhook url" } });
    const results = await fireDrill({
      channels: channelSchema.parse({
        good: vendorChannel("slack", url),
        bad: vendorChannel("wecom", url),
      }),
      notify: [],
      severity: "warning",
      through: "bellwether",
      searchPath: "",
      onStep: () => undefined,
      patienceMs: 15_000,
    });
    expect(results).toEqual([
      { channel: "good", toldMs: expect.any(Number), overMs: expect.any(Number) },
      { channel: "bad", toldMs: undefined, overMs: undefined },
    ]);
  });

  it("cannot be drilled through a Prometheus that is not installed, and says how to get it", async () => {
    const options = {
      channels: channels(),
      notify: [],
      severity: "critical" as const,
      searchPath: "/nowhere",
    };
    await expect(fireDrill({ ...options, through: "prometheus", onStep: () => undefined })).rejects.toThrow(
      "apt-get install prometheus-alertmanager prometheus",
    );
  });
});

describeWithProgram("prometheus", "a fault that Prometheus sees", () => {
  describeWithProgram("prometheus-alertmanager", "and Alertmanager routes", () => {
    it("reaches every channel through the webhook, and its end too", async () => {
      await drill("prometheus");
      expectEveryVendorTold();
    });
  });
});
