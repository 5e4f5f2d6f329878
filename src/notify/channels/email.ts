/** Email over SMTP, as text and HTML, with STARTTLS unless the configuration says otherwise. */
import type { Transporter } from "nodemailer";
import type { ChannelOf } from "../../config/schema.ts";
import { fingerprintOf } from "../../core/alert.ts";
import type { Channel } from "../channel.ts";
import { clip, type Letter, type LetterItem, letterOf } from "../letter.ts";
import type { Language } from "../messages/index.ts";
import type { Notification } from "../notification.ts";
import { ARRIVED, later, refused, type Verdict } from "../verdict.ts";

const LONGEST_SUBJECT = 180;
/** A mail may be long; nobody reads more. */
const MOST_ITEMS = 100;
const TIME_LIMIT_MS = 20_000;
const COLOURS = { critical: "#b3261e", warning: "#b45309", info: "#1d4ed8" } as const;
const RESOLVED_COLOUR = "#15803d";

interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Mails of one group show as one conversation. */
  readonly thread: string;
}

export function email(config: ChannelOf<"email">): Channel {
  let transporter: Transporter | undefined;
  const connect = async (): Promise<Transporter> => {
    if (transporter !== undefined) return transporter;
    const { createTransport } = await import("nodemailer");
    const { hostname, port, protocol, username, password } = new URL(config.smtp.reveal());
    const implicit = protocol === "smtps:";
    transporter = createTransport({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (implicit ? 465 : 587) : Number(port),
      secure: implicit,
      requireTLS: !implicit && config.starttls === "required",
      ignoreTLS: config.starttls === "off",
      ...(config.ca?.text === undefined ? {} : { tls: { ca: config.ca.text } }),
      ...(username === ""
        ? {}
        : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
      connectionTimeout: TIME_LIMIT_MS,
      greetingTimeout: TIME_LIMIT_MS,
      socketTimeout: TIME_LIMIT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    return transporter;
  };
  const domain = config.from.replace(/^.*@|>.*$/g, "");
  return {
    rate: { messages: 30, perMs: 60_000 },
    combinable: true,
    messages: (notification, language) => [mailOf(notification, language)],
    async send(message) {
      const { subject, text, html, thread } = message as Mail;
      const root = `<${thread}@${domain}>`;
      try {
        const smtp = await connect();
        await smtp.sendMail({
          from: config.from,
          to: [...config.to],
          subject,
          text,
          html,
          inReplyTo: root,
          references: root,
          headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
        });
        return ARRIVED;
      } catch (error) {
        return verdictOf(error);
      }
    },
    close: () => transporter?.close(),
  };
}

/** 5xx is the server's last word (RFC 5321, 4.2.1), unless it is about this session only. */
function verdictOf(error: unknown): Verdict {
  const { responseCode, code = "", response = "" } = error as Record<string, string | number | undefined>;
  if (code === "EAUTH") return refused("the server refused user or password: check `smtp`");
  if (typeof responseCode === "number") {
    const why = `SMTP ${String(response).split("\n", 1)[0]?.slice(0, 200)}`;
    return responseCode >= 500 && responseCode !== 421 ? refused(why) : later(why);
  }
  if (code === "ETLS") {
    return refused(
      "the server does not offer STARTTLS, or its certificate is not trusted: see `starttls` and `ca`",
    );
  }
  return later(`the mail server cannot be reached (${String(code) || "no answer"})`);
}

function mailOf(notification: Notification, language: Language): Mail {
  const letter = letterOf(notification, language, MOST_ITEMS);
  return {
    subject: clip(letter.title.replaceAll("\n", " "), LONGEST_SUBJECT),
    text: textOf(letter),
    html: htmlOf(letter, language),
    thread: fingerprintOf({ group: notification.groupKey }),
  };
}

function textOf(letter: Letter): string {
  const items = letter.items.map((item) =>
    [
      item.heading,
      ...(item.description === "" ? [] : [item.description]),
      ...item.facts.map(([name, value]) => `  ${name}: ${value}`),
      ...item.links.map(({ text, url }) => `  ${text}: ${url}`),
    ].join("\n"),
  );
  const link = letter.link === undefined ? [] : [`${letter.link.text}: ${letter.link.url}`];
  return [letter.title, ...items, ...(letter.more === "" ? [] : [letter.more]), ...link].join("\n\n");
}

function htmlOf(letter: Letter, language: Language): string {
  const link = letter.link === undefined ? "" : `<p>${anchor(letter.link.text, letter.link.url)}</p>`;
  return [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"></head>`,
    '<body style="font-family:system-ui,sans-serif;color:#1f2328;max-width:44rem">',
    `<h2 style="font-size:1.15rem;color:${colourOf(letter)}">${escaped(letter.title)}</h2>`,
    ...letter.items.map(itemHtml),
    letter.more === "" ? "" : `<p>${escaped(letter.more)}</p>`,
    link,
    "</body></html>",
  ].join("\n");
}

function itemHtml(item: LetterItem): string {
  const facts = item.facts.map(
    ([name, value]) =>
      `<tr><td style="color:#57606a;padding-right:1em">${escaped(name)}</td><td>${escaped(value)}</td></tr>`,
  );
  return [
    `<div style="border-left:4px solid ${colourOf(item)};padding:.2em 0 .2em 1em;margin:1em 0">`,
    `<strong>${escaped(item.heading)}</strong>`,
    item.description === "" ? "" : `<p style="margin:.4em 0">${escaped(item.description)}</p>`,
    `<table style="font-size:.9em">${facts.join("")}</table>`,
    item.links.map(({ text, url }) => anchor(text, url)).join(" · "),
    "</div>",
  ].join("\n");
}

function colourOf({ status, severity }: Pick<LetterItem, "status" | "severity">): string {
  return status === "resolved" ? RESOLVED_COLOUR : COLOURS[severity];
}

function anchor(text: string, url: string): string {
  return `<a href="${escaped(url)}">${escaped(text)}</a>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
