/** Email against a real SMTP server (aiosmtpd), with STARTTLS and without. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MailServer } from "../../test/helpers/mail-server.ts";
import { describeWithProgram } from "../../test/helpers/system-program.ts";
import { until } from "../../test/helpers/until.ts";
import { channels } from "../config/channel-schema.ts";
import type { ChannelConfig } from "../config/schema.ts";
import { FileText } from "../config/values.ts";
import { type Alert, fingerprintOf } from "../core/alert.ts";
import { channelOf } from "./channels/index.ts";
import { postJson } from "./http-post.ts";
import type { Notification } from "./notification.ts";
import type { Verdict } from "./verdict.ts";

const LABELS = { alertname: "upstream-down", severity: "critical", upstream: "holysheep" };
const DOWN: Alert = {
  status: "firing",
  labels: LABELS,
  annotations: {
    summary: "holysheep does not answer <b>",
    runbook_url: "https://docs.example/runbooks/down",
  },
  startsAt: Date.UTC(2026, 4, 1, 3, 0, 7),
  endsAt: undefined,
  generatorUrl: "",
  fingerprint: fingerprintOf(LABELS),
};

function notification(alert: Alert = DOWN): Notification {
  return { groupKey: "g", groupLabels: {}, alerts: [alert], truncated: 0, externalUrl: "" };
}

describeWithProgram("aiosmtpd", "email", () => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-mail-"));
  const [key, certificate] = ["key.pem", "certificate.pem"].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  let plain: MailServer;
  let tls: MailServer;

  beforeAll(async () => {
    execFileSync(
      "openssl",
      [
        ...[
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-days",
          "2",
        ],
        ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        ...["-keyout", key, "-out", certificate],
      ],
      { stdio: "ignore" },
    );
    plain = new MailServer();
    tls = new MailServer([certificate, key]);
    await Promise.all([plain.start(), tls.start()]);
  });

  afterAll(() => {
    plain?.stop();
    tls?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function configOf(more: object, to = "oncall@shop.example"): ChannelConfig {
    const written = { type: "email", from: "Bellwether <alerts@shop.example>", to: [to], ...more };
    const config = channels.parse({ it: written }).it as ChannelConfig;
    // The loader reads the file.
    return "ca" in config && config.ca !== undefined
      ? { ...config, ca: new FileText(certificate, readFileSync(certificate, "utf8")) }
      : config;
  }

  async function send(config: ChannelConfig, what = notification()): Promise<Verdict> {
    const channel = channelOf(config, "mail");
    const [message] = channel.messages(what, "en");
    const verdict = await channel.send(message as object, { post: postJson, now: () => Date.now() });
    channel.close?.();
    return verdict;
  }

  it("is sent over STARTTLS, with user and password, as text and HTML, in one conversation", async () => {
    const smtp = `smtp://ops:mail-secret-1@localhost:${tls.port}`;
    const config = configOf({ smtp, ca: certificate });
    expect(await send(config)).toEqual({ arrived: true });
    const over: Alert = { ...DOWN, status: "resolved", endsAt: DOWN.startsAt + 65_000 };
    expect(await send(config, notification(over))).toEqual({ arrived: true });
    await until(() => tls.mails.length, 2);
    const [first, second] = tls.mails;
    expect(first).toMatchObject({
      from: "alerts@shop.example",
      to: ["oncall@shop.example"],
      tls: true,
      user: true,
    });
    expect(first?.subject).toBe("Firing · critical · upstream-down: holysheep does not answer <b>");
    expect(first?.text).toContain("What to do: https://docs.example/runbooks/down");
    expect(first?.html).toContain("does not answer &lt;b&gt;");
    expect(second?.text).toContain("Lasted: 1m 5s");
    expect(second?.headers["in-reply-to"]).toBe(first?.headers["in-reply-to"]);
    expect(first?.headers["auto-submitted"]).toBe("auto-generated");
  });

  it("is not sent in the clear unless that is allowed", async () => {
    const smtp = `smtp://localhost:${plain.port}`;
    expect(await send(configOf({ smtp }))).toMatchObject({ arrived: false });
    expect(plain.mails).toHaveLength(0);
    expect(await send(configOf({ smtp, starttls: "off" }))).toEqual({ arrived: true });
    await until(() => plain.mails.length, 1);
  });

  it("trusts no certificate that it was not told to trust", async () => {
    const before = tls.mails.length;
    const verdict = await send(configOf({ smtp: `smtp://ops:mail-secret-1@localhost:${tls.port}` }));
    expect(verdict).toMatchObject({ arrived: false });
    expect(tls.mails).toHaveLength(before);
  });

  it("says that user or password are wrong without saying them, and does not try again", async () => {
    const smtp = `smtp://ops:mail-secret-2@localhost:${tls.port}`;
    const verdict = await send(configOf({ smtp, ca: certificate }));
    expect(verdict).toEqual({
      arrived: false,
      retry: false,
      why: "the server refused user or password: check `smtp`",
    });
  });

  it("tries again what the server cannot take now, and not what it never will", async () => {
    const server = { smtp: `smtp://localhost:${plain.port}`, starttls: "off" };
    expect(await send(configOf(server, "busy@shop.example"))).toMatchObject({ arrived: false, retry: true });
    expect(await send(configOf(server, "nobody@shop.example"))).toMatchObject({
      arrived: false,
      retry: false,
    });
    const gone = { smtp: "smtp://localhost:1", starttls: "off" };
    expect(await send(configOf(gone))).toMatchObject({
      arrived: false,
      retry: true,
      why: expect.stringContaining("the mail server cannot be reached"),
    });
  });
});
