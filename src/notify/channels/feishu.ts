/**
 * Feishu / Lark (飞书) group robot: a signed card of at most 20 KB, 100 a minute and 5 a second. It answers 200 even
 * when it refuses; `code` tells (open.feishu.cn, "Custom bot usage guide").
 */
import { createHmac } from "node:crypto";
import type { ChannelOf } from "../../config/schema.ts";
import type { Channel } from "../channel.ts";
import { fitting, utf8Length } from "../fit.ts";
import { badStatus, firstLine, jsonOf } from "../http-post.ts";
import type { Letter } from "../letter.ts";
import { harmless, itemsOf, linkOf, type MarkdownStyle } from "../markdown.ts";
import { ARRIVED, later, refused } from "../verdict.ts";

const HOME = "https://open.feishu.cn/open-apis/bot/v2/hook/";
/** 20 KB, less what the signature adds when it is sent. */
const LONGEST_BYTES = 20_000 - 200;

const COLOURS = { critical: "red", warning: "orange", info: "blue" } as const;

const style: MarkdownStyle = {
  plain: harmless,
  heading: (text) => `**${text}**`,
  lineBreak: "\n",
};

const HINTS: Readonly<Record<number, string>> = {
  19001: "the robot's key is wrong: check `key`",
  19021: "the signature or its time was refused: check `secret` and this machine's clock",
  19022: "this machine's address is not among those the robot allows",
  19024: "the robot asks for a keyword that the message does not have",
};
const RATE_LIMITED = new Set([9499, 11232]);

/** The signature of a time in seconds: its key is the text, and nothing is signed. */
export function feishuSignature(timestamp: number, secret: string): string {
  return createHmac("sha256", `${timestamp}\n${secret}`).digest("base64");
}

export function feishu(config: ChannelOf<"feishu">): Channel {
  const url = `${config.url?.reveal() ?? HOME}${encodeURIComponent(config.key.reveal())}`;
  const secret = config.secret?.reveal();
  return {
    rate: { messages: 5, perMs: 3_000 },
    combinable: true,
    messages: (notification, language) => [
      fitting(
        notification,
        language,
        (letter) => ({ msg_type: "interactive", card: cardOf(letter) }),
        (body) => utf8Length(JSON.stringify(body)) <= LONGEST_BYTES,
      ),
    ],
    async send(message, { post, now }) {
      const timestamp = Math.floor(now() / 1000);
      const signed =
        secret === undefined
          ? message
          : { timestamp: String(timestamp), sign: feishuSignature(timestamp, secret), ...message };
      const answer = await post(url, signed);
      // It tells its code with a 400 too.
      const { code, msg = "" } = jsonOf(answer.text) ?? {};
      if (code === 0) return ARRIVED;
      if (typeof code !== "number") {
        return badStatus(answer) ?? later(`not Feishu's answer: ${firstLine(answer.text)}`);
      }
      const why = `code ${code}: ${HINTS[code] ?? firstLine(String(msg))}`;
      return RATE_LIMITED.has(code) || answer.status >= 500 ? later(why, answer.retryAfterMs) : refused(why);
    },
  };
}

function cardOf(letter: Letter): object {
  const blocks = itemsOf(letter, style);
  if (letter.more !== "") blocks.push(letter.more);
  if (letter.link !== undefined) blocks.push(linkOf(letter.link.text, letter.link.url, style));
  return {
    config: { wide_screen_mode: true },
    header: {
      template: letter.status === "resolved" ? "green" : COLOURS[letter.severity],
      title: { tag: "plain_text", content: letter.title },
    },
    elements: blocks.flatMap((content, index) => [
      ...(index === 0 ? [] : [{ tag: "hr" }]),
      { tag: "div", text: { tag: "lark_md", content } },
    ]),
  };
}
