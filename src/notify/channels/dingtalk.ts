/**
 * DingTalk (钉钉) group robot: a signed Markdown message of at most 20,000 bytes, 20 a minute. It answers 200 even
 * when it refuses; `errcode` tells (open.dingtalk.com, "Custom robots").
 */
import { createHmac } from "node:crypto";
import type { ChannelOf } from "../../config/schema.ts";
import type { Channel } from "../channel.ts";
import { fitting, utf8Length } from "../fit.ts";
import { badStatus, firstLine, jsonOf } from "../http-post.ts";
import { harmless, type MarkdownStyle, markdownOf } from "../markdown.ts";
import { ARRIVED, later, refused } from "../verdict.ts";

const HOME = "https://oapi.dingtalk.com/robot/send";
const LONGEST_BYTES = 20_000;
const MINUTE_MS = 60_000;

const COLOURS = { critical: "#d93026", warning: "#e8710a", info: "#1a73e8" } as const;

const style: MarkdownStyle = {
  plain: harmless,
  heading: (text, { status, severity }) =>
    `### <font color="${status === "resolved" ? "#188038" : COLOURS[severity]}">${text}</font>`,
  // A single newline is no break in its Markdown.
  lineBreak: "  \n",
};

const HINTS: Readonly<Record<number, string>> = {
  300001: "the token is wrong: check `token`",
  300005: "the token is wrong, or the robot was removed: check `token`",
  310000: "the robot's security setting refused it: check `secret`, or the keywords and addresses it allows",
};
const RATE_LIMITED = new Set([130101, 410100]);
const BUSY = -1;

/** The signature of a time in milliseconds: URL-encoded by whoever puts it into the query. */
export function dingtalkSignature(timestamp: number, secret: string): string {
  return createHmac("sha256", secret).update(`${timestamp}\n${secret}`).digest("base64");
}

export function dingtalk(config: ChannelOf<"dingtalk">): Channel {
  const secret = config.secret?.reveal();
  const address = (now: number): string => {
    const query = new URLSearchParams({ access_token: config.token.reveal() });
    if (secret !== undefined) {
      query.set("timestamp", String(now));
      query.set("sign", dingtalkSignature(now, secret));
    }
    return `${config.url?.reveal() ?? HOME}?${query.toString()}`;
  };
  return {
    rate: { messages: 20, perMs: MINUTE_MS },
    combinable: true,
    messages: (notification, language) => [
      fitting(
        notification,
        language,
        (letter) => ({
          msgtype: "markdown",
          markdown: { title: letter.title, text: markdownOf(letter, style) },
        }),
        (body) => utf8Length(JSON.stringify(body)) <= LONGEST_BYTES,
      ),
    ],
    async send(message, { post, now }) {
      const answer = await post(address(now()), message);
      const bad = badStatus(answer);
      if (bad !== undefined) return bad;
      const { errcode, errmsg = "" } = jsonOf(answer.text) ?? {};
      if (errcode === 0) return ARRIVED;
      if (typeof errcode !== "number") return later(`not DingTalk's answer: ${firstLine(answer.text)}`);
      const why = `errcode ${errcode}: ${HINTS[errcode] ?? firstLine(String(errmsg))}`;
      if (RATE_LIMITED.has(errcode)) return later(why, MINUTE_MS);
      return errcode === BUSY ? later(why) : refused(why);
    },
  };
}
