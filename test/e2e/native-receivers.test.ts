/**
 * Alertmanager's own receivers, as `bellwether stack` writes them: the real Alertmanager tells Slack, PagerDuty and a mail
 * server, each a stand-in that takes only what the real one would.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.ts";
import { routesOf } from "../../src/stack/beside.ts";
import { freePorts } from "../../src/stack/free-ports.ts";
import { stackFiles } from "../../src/stack/index.ts";
import { type LocalStack, localPrograms, startPrograms } from "../../src/stack/processes.ts";
import { writeFiles } from "../../src/stack/write.ts";
import { MailServer } from "../helpers/mail-server.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";
import { KEYS, Vendors } from "../helpers/vendors.ts";

describeWithProgram("prometheus-alertmanager", "Alertmanager's own receivers", () => {
  describeWithProgram("aiosmtpd", "with a mail server", () => {
    const vendors = new Vendors();
    const mail = new MailServer();
    let folder = "";
    let alertmanager = "";
    let stack: LocalStack | undefined;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "bellwether-receivers-"));
      const url = await vendors.listen();
      await mail.start();
      const [port = 0] = await freePorts(1);
      alertmanager = `http://127.0.0.1:${port}`;
      await configure(url, port);
      const ports = { prometheus: 0, alertmanager: port, blackbox: 0, node: 0 };
      const programs = localPrograms(folder, join(folder, "data"), ports).filter(
        ({ name }) => name === "alertmanager",
      );
      stack = await startPrograms(programs, process.env.PATH ?? "", () => undefined);
    });
    afterAll(async () => {
      await stack?.stop();
      mail.stop();
      await vendors.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** The generated file, but that PagerDuty is here: its address is the one thing a channel cannot say. */
    async function configure(url: string, port: number): Promise<void> {
      const secrets = { "slack-url": `${url}/slack/${KEYS.slack}`, "pager-key": KEYS.pagerduty };
      const config = configSchema.parse({
        channels: {
          slack: { type: "slack", url: secrets["slack-url"] },
          pager: { type: "pagerduty", routingKey: secrets["pager-key"] },
          mail: {
            type: "email",
            smtp: `smtp://127.0.0.1:${mail.port}`,
            from: "a@shop.example",
            to: ["b@shop.example"],
            starttls: "off",
          },
        },
        notify: [{ to: ["slack", "pager", "mail"], groupWait: "0ms", groupInterval: "2s" }],
        alerts: { sender: "alertmanager" },
      });
      const nowhere = "127.0.0.1:1";
      const files = stackFiles("files", {
        folder,
        configuration: "",
        environment: [],
        addresses: {
          bellwether: nowhere,
          exporter: nowhere,
          prometheus: nowhere,
          alertmanager: `127.0.0.1:${port}`,
          blackbox: nowhere,
          node: nowhere,
        },
        facts: {
          version: "0",
          profiles: [],
          upstreams: [],
          probeModules: [],
          rules: [],
          channels: config.channels,
          routes: routesOf(config),
          sender: "alertmanager",
          externalUrl: "http://bellwether.example",
          intervalS: 1,
          native: true,
          adminToken: false,
        },
      });
      await writeFiles(folder, files, { force: true });
      await mkdir(join(folder, "secrets"));
      for (const [name, text] of Object.entries(secrets))
        await writeFile(join(folder, "secrets", name), text);
      const path = join(folder, "alertmanager/alertmanager.yml");
      const written = await readFile(path, "utf8");
      for (const secret of Object.values(secrets)) expect(written).not.toContain(secret);
      const here = `global:\n  pagerduty_url: ${url}/pagerduty\n`;
      await writeFile(path, written.replace(/^route:/m, `${here}route:`));
    }

    const alert = (endsAt: Date) => ({
      labels: { alertname: "upstream-down", severity: "critical", upstream: "relay" },
      annotations: {
        summary: "relay does not answer",
        description: "For 2 minutes no call has succeeded.",
        runbook_url: "http://bellwether.example/runbooks/upstream-down",
      },
      endsAt: endsAt.toISOString(),
    });

    async function tell(endsAt: Date): Promise<void> {
      const response = await fetch(`${alertmanager}/api/v2/alerts`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify([alert(endsAt)]),
      });
      expect(response.status).toBe(200);
    }

    it("tell Slack, PagerDuty and mail of an alert and of its end", async () => {
      const told = () => [vendors.of("slack").length, vendors.of("pagerduty").length, mail.mails.length];
      await tell(new Date(Date.now() + 3_600_000));
      await until(told, [1, 1, 1]);
      await tell(new Date(Date.now() - 1_000));
      await until(told, [2, 2, 2]);
      // Slack takes one a second; Alertmanager comes again.
      expect(vendors.refused.filter(({ answer }) => answer.status !== 429)).toEqual([]);

      const [fires, over] = vendors.of("slack").map(({ body }) => body.attachments[0]);
      expect(fires.title).toBe("FIRING · critical · upstream-down");
      expect(fires.text).toContain("relay does not answer\nFor 2 minutes");
      expect(over.title).toBe("RESOLVED · critical · upstream-down");

      const [trigger, resolve] = vendors.of("pagerduty").map(({ body }) => body);
      expect([trigger.event_action, resolve.event_action]).toEqual(["trigger", "resolve"]);
      expect(trigger.payload.severity).toBe("critical");
      expect(resolve.dedup_key).toBe(trigger.dedup_key);

      expect(mail.mails.map(({ subject }) => subject)).toEqual([fires.title, over.title]);
      expect(mail.mails[0]?.text).toContain("relay does not answer");
    });
  });
});
