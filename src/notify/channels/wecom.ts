/**
 * WeCom (企业微信) group robot: a Markdown message of at most 4,096 bytes, 20 a minute. It answers 200 even when
 * it refuses; `errcode` tells (developer.work.weixin.qq.com/document/path/91770, /path/90313).
 */
import type { ChannelOf } from "../../config/schema.ts";
import type { Channel } from "../channel.ts";
import { fitting, utf8Length } from "../fit.ts";
import { badStatus, firstLine, jsonOf } from "../http-post.ts";
import { harmless, type MarkdownStyle, markdownOf } from "../markdown.ts";
import { ARRIVED, later, refused } from "../verdict.ts";

const HOME = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send";
const LONGEST_BYTES = 4096;
/** `warning` is orange-red, `info` green, `comment` grey: the only colours there are. */
const COLOURS = { critical: "warning", warning: "warning", info: "comment" } as const;

const style: MarkdownStyle = {
  plain: harmless,
  heading: (text, { status, severity }) =>
    `## <font color="${status === "resolved" ? "info" : COLOURS[severity]}">${text}</font>`,
  lineBreak: "\n",
};

/** What `errcode` means for us; any other is told as it is. */
const HINTS: Readonly<Record<number, string>> = {
  40008: "the message type is not accepted",
  40058: "the message is too long",
  93000: "the robot's key is wrong, or the robot was removed: check `key`",
};
const RATE_LIMITED = 45009;
const BUSY = -1;
const MINUTE_MS = 60_000;

export function wecom(config: ChannelOf<"wecom">): Channel {
  const url = `${config.url?.reveal() ?? HOME}?key=${encodeURIComponent(config.key.reveal())}`;
  return {
    rate: { messages: 20, perMs: MINUTE_MS },
    combinable: true,
    messages: (notification, language) => [
      {
        msgtype: "markdown",
        markdown: {
          content: fitting(
            notification,
            language,
            (letter) => markdownOf(letter, style),
            (text) => utf8Length(text) <= LONGEST_BYTES,
          ),
        },
      },
    ],
    async send(message, { post }) {
      const answer = await post(url, message);
      const bad = badStatus(answer);
      if (bad !== undefined) return bad;
      const { errcode, errmsg = "" } = jsonOf(answer.text) ?? {};
      if (errcode === 0) return ARRIVED;
      if (typeof errcode !== "number") return later(`not WeCom's answer: ${firstLine(answer.text)}`);
      const why = `errcode ${errcode}: ${HINTS[errcode] ?? firstLine(String(errmsg))}`;
      if (errcode === RATE_LIMITED) return later(why, MINUTE_MS);
      return errcode === BUSY ? later(why) : refused(why);
    },
  };
}
