/**
 * Slack incoming webhook: at most 50 blocks of at most 3,000 characters, about one message a second; the body of
 * a success is `ok` (docs.slack.dev, "Sending messages using incoming webhooks", "Rate limits").
 */
import type { ChannelOf } from "../../config/schema.ts";
import type { Channel } from "../channel.ts";
import { fitting } from "../fit.ts";
import { badStatus, firstLine } from "../http-post.ts";
import { clip, type Letter, type LetterItem, type Link } from "../letter.ts";
import { ARRIVED, later } from "../verdict.ts";

const LONGEST_SECTION = 3_000;
const LONGEST_HEADER = 150;
/** Of 50 blocks, those for the title, what is left out and the link are kept free. */
const MOST_ITEMS = 46;

const MARKS = { critical: "🔴", warning: "🟠", info: "🔵" } as const;
const RESOLVED_MARK = "🟢";

export function slack(config: ChannelOf<"slack">): Channel {
  const url = config.url.reveal();
  return {
    rate: { messages: 1, perMs: 1_100 },
    combinable: true,
    messages: (notification, language) => [
      fitting(notification, language, bodyOf, ({ blocks }) => blocks.length <= MOST_ITEMS + 3),
    ],
    async send(message, { post }) {
      const answer = await post(url, message);
      const bad = badStatus(answer);
      if (bad !== undefined) return bad;
      return answer.text.trim() === "ok" ? ARRIVED : later(`not Slack's answer: ${firstLine(answer.text)}`);
    },
  };
}

function bodyOf(letter: Letter): { text: string; blocks: object[] } {
  const title = `${markOf(letter)} ${letter.title}`;
  const blocks: object[] = [
    { type: "header", text: { type: "plain_text", text: clip(title, LONGEST_HEADER), emoji: true } },
    ...letter.items.map((item) => section(itemText(item))),
  ];
  if (letter.more !== "") blocks.push(section(escaped(letter.more)));
  if (letter.link !== undefined) blocks.push(section(linkOf(letter.link)));
  return { text: escaped(title), blocks };
}

function markOf({ status, severity }: Pick<Letter, "status" | "severity">): string {
  return status === "resolved" ? RESOLVED_MARK : MARKS[severity];
}

function itemText(item: LetterItem): string {
  const lines = [`${markOf(item)} *${escaped(item.heading)}*`];
  if (item.description !== "") lines.push(escaped(item.description));
  for (const [name, value] of item.facts) lines.push(`${escaped(name)}: ${escaped(value)}`);
  if (item.links.length > 0) lines.push(item.links.map(linkOf).join(" · "));
  return lines.join("\n");
}

function section(text: string): object {
  return { type: "section", text: { type: "mrkdwn", text: clip(text, LONGEST_SECTION) } };
}

/** The three characters that mean something to Slack; without them nobody can be mentioned. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function linkOf({ text, url }: Link): string {
  return `<${escaped(url.replaceAll("|", "%7C"))}|${escaped(text)}>`;
}
