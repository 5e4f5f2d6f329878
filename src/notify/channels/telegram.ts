/**
 * Telegram bot: a message of at most 4,096 characters, 20 a minute to a group; `ok` tells whether it arrived, and a
 * 429 how long to wait (core.telegram.org/bots/api#sendmessage, core.telegram.org/bots/faq).
 */
import type { ChannelOf } from "../../config/schema.ts";
import type { Channel } from "../channel.ts";
import { fitting } from "../fit.ts";
import { badStatus, firstLine, jsonOf } from "../http-post.ts";
import type { Letter, LetterItem, Link } from "../letter.ts";
import { ARRIVED, later, refused } from "../verdict.ts";

const HOME = "https://api.telegram.org";
const LONGEST_TEXT = 4096;

const MARKS = { critical: "🔴", warning: "🟠", info: "🔵" } as const;

export function telegram(config: ChannelOf<"telegram">): Channel {
  const url = `${config.url?.reveal() ?? HOME}/bot${config.token.reveal()}/sendMessage`;
  return {
    rate: { messages: 20, perMs: 60_000 },
    combinable: true,
    messages: (notification, language) => [
      {
        chat_id: config.chatId,
        parse_mode: "HTML",
        link_preview_options: { is_disabled: true },
        text: fitting(notification, language, textOf, (text) => text.length <= LONGEST_TEXT),
      },
    ],
    async send(message, { post }) {
      const answer = await post(url, message);
      const { ok, description = "", parameters } = jsonOf(answer.text) ?? {};
      if (ok === true) return ARRIVED;
      if (ok !== false) return badStatus(answer) ?? later(`not Telegram's answer: ${firstLine(answer.text)}`);
      const why = `HTTP ${answer.status}: ${firstLine(String(description))}`;
      if (answer.status !== 429 && answer.status < 500) return refused(why);
      const { retry_after: seconds } = (parameters ?? {}) as { retry_after?: unknown };
      return later(why, typeof seconds === "number" ? seconds * 1000 : answer.retryAfterMs);
    },
  };
}

function textOf(letter: Letter): string {
  const mark = letter.status === "resolved" ? "🟢" : MARKS[letter.severity];
  const blocks = [`${mark} <b>${escaped(letter.title)}</b>`, ...letter.items.map(itemText)];
  if (letter.more !== "") blocks.push(escaped(letter.more));
  if (letter.link !== undefined) blocks.push(linkOf(letter.link));
  return blocks.join("\n\n");
}

function itemText(item: LetterItem): string {
  const lines = [`<b>${escaped(item.heading)}</b>`];
  if (item.description !== "") lines.push(escaped(item.description));
  for (const [name, value] of item.facts) lines.push(`${escaped(name)}: ${escaped(value)}`);
  if (item.links.length > 0) lines.push(item.links.map(linkOf).join(" · "));
  return lines.join("\n");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function linkOf({ text, url }: Link): string {
  return `<a href="${escaped(url)}">${escaped(text)}</a>`;
}
