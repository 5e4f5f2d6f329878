/**
 * Stand-ins for the vendors of notification channels: each enforces the limits its vendor documents and answers as
 * the vendor does, success or refusal. They remember what they accepted.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export const KEYS = {
  wecom: "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
  dingtalk: "dt-token-5d2c1",
  dingtalkSecret: "SECdt-secret-77",
  feishu: "fs-key-0a1b2c",
  feishuSecret: "fs-secret-88",
  slack: "T000/B000/slack-key-1",
  telegram: "123456:telegram-token-9",
  pagerduty: "R0123456789ABCDEF0123456789ABCDE",
} as const;

interface Request {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a client posts can be anything.
  readonly body: any;
  readonly now: number;
}

interface Answer {
  readonly status: number;
  readonly body: string | object;
  readonly headers?: Record<string, string>;
}

const bytes = (text: unknown): number => Buffer.byteLength(typeof text === "string" ? text : "");

/** `over` says that the caller has used up the vendor's rate. */
type Vendor = (request: Request, over: boolean) => Answer;

const wecom: Vendor = ({ query, body }, over) => {
  const refuse = (errcode: number, errmsg: string): Answer => ({ status: 200, body: { errcode, errmsg } });
  if (query.get("key") !== KEYS.wecom) return refuse(93000, "invalid webhook url, hint: [1]");
  if (over) return refuse(45009, "api freq out of limit");
  if (body?.msgtype !== "markdown") return refuse(40008, "invalid message type");
  if (typeof body.markdown?.content !== "string") return refuse(44004, "text content is empty");
  if (bytes(body.markdown.content) > 4096) return refuse(40058, "markdown.content exceed max length 4096");
  return refuse(0, "ok");
};

const dingtalk: Vendor = ({ query, body, text, now }, over) => {
  const refuse = (errcode: number, errmsg: string): Answer => ({ status: 200, body: { errcode, errmsg } });
  if (query.get("access_token") !== KEYS.dingtalk) return refuse(300005, "token is not exist");
  const timestamp = query.get("timestamp") ?? "";
  const sign = createHmac("sha256", KEYS.dingtalkSecret).update(`${timestamp}\n${KEYS.dingtalkSecret}`);
  if (Math.abs(now - Number(timestamp)) > 3_600_000) return refuse(310000, "invalid timestamp");
  if (!same(sign.digest("base64"), query.get("sign") ?? "")) return refuse(310000, "sign not match");
  if (over) return refuse(130101, "send too fast, exceed 20 times per minute");
  if (bytes(text) > 20_000) return refuse(460101, "message too long, exceed 20000 bytes");
  if (body?.msgtype !== "markdown" || !body.markdown?.title || !body.markdown.text) {
    return refuse(400_105, "unsupported message type");
  }
  return refuse(0, "ok");
};

const feishu: Vendor = ({ path, body, text, now }, over) => {
  const refuse = (code: number, msg: string): Answer => ({ status: 200, body: { code, msg, data: {} } });
  if (!path.endsWith(`/${KEYS.feishu}`))
    return refuse(19001, "param invalid: incoming webhook access token invalid");
  const { timestamp, sign, msg_type: type, card } = body ?? {};
  const expected = createHmac("sha256", `${timestamp}\n${KEYS.feishuSecret}`).digest("base64");
  if (!same(expected, sign ?? "") || Math.abs(now / 1000 - Number(timestamp)) > 3600) {
    return refuse(19021, "sign match fail or timestamp is not within one hour from current time");
  }
  if (over) return refuse(11232, "frequency limited psm[lark.oapi.app_platform_runtime]");
  if (bytes(text) > 20 * 1024) return refuse(9499, "Bad Request: body too large");
  if (type !== "interactive" || !Array.isArray(card?.elements)) return refuse(9499, "Bad Request");
  return {
    status: 200,
    body: { StatusCode: 0, StatusMessage: "success", code: 0, data: {}, msg: "success" },
  };
};

const slack: Vendor = ({ path, body }, over) => {
  if (!path.endsWith(KEYS.slack)) return { status: 403, body: "invalid_token" };
  if (over) return { status: 429, body: "rate_limited", headers: { "retry-after": "1" } };
  // Alertmanager sends what came before blocks.
  if (Array.isArray(body?.attachments)) {
    const told = body.attachments.every(({ title, text }: Record<string, unknown>) => title && text);
    return told ? { status: 200, body: "ok" } : { status: 400, body: "no_text" };
  }
  const blocks: unknown = body?.blocks;
  if (!Array.isArray(blocks) || blocks.length > 50) return { status: 400, body: "invalid_blocks" };
  for (const { type, text } of blocks) {
    const longest = type === "header" ? 150 : 3000;
    if (typeof text?.text !== "string" || [...text.text].length > longest) {
      return { status: 400, body: "invalid_blocks" };
    }
  }
  return { status: 200, body: "ok" };
};

const telegram: Vendor = ({ path, body }, over) => {
  const refuse = (code: number, description: string, parameters?: object): Answer => ({
    status: code,
    body: { ok: false, error_code: code, description, ...(parameters ? { parameters } : {}) },
  });
  if (!path.startsWith(`/bot${KEYS.telegram}/`)) return refuse(401, "Unauthorized");
  if (over) return refuse(429, "Too Many Requests: retry after 3", { retry_after: 3 });
  if (String(body?.chat_id) !== "-100123") return refuse(400, "Bad Request: chat not found");
  if (body.text.length > 4096) return refuse(400, "Bad Request: message is too long");
  if (!balanced(body.text)) return refuse(400, "Bad Request: can't parse entities");
  return { status: 200, body: { ok: true, result: { message_id: 1 } } };
};

const pagerduty: Vendor = ({ body }, over) => {
  const refuse = (...errors: string[]): Answer => ({
    status: 400,
    body: { status: "invalid event", message: "Event object is invalid", errors },
  });
  if (body?.routing_key !== KEYS.pagerduty) return refuse("Invalid routing key");
  if (over) return { status: 429, body: { status: "throttle exceeded", message: "Requests limit exceeded" } };
  if (!["trigger", "acknowledge", "resolve"].includes(body.event_action))
    return refuse("'event_action' is invalid");
  if (typeof body.dedup_key !== "string" || body.dedup_key.length > 255)
    return refuse("'dedup_key' is invalid");
  if (body.event_action === "trigger") {
    const { summary, source, severity } = body.payload ?? {};
    if (typeof summary !== "string" || summary === "" || summary.length > 1024)
      return refuse("'summary' is invalid");
    if (!source) return refuse("'source' is missing or blank");
    if (!["critical", "warning", "error", "info"].includes(severity)) return refuse("'severity' is invalid");
  }
  return { status: 202, body: { status: "success", message: "Event processed", dedup_key: body.dedup_key } };
};

const webhook: Vendor = ({ body }) =>
  body?.version === "4" ? { status: 200, body: "" } : { status: 400, body: "not version 4" };

/** Each vendor with its limit: so many messages in so many milliseconds. */
const VENDORS: Readonly<Record<string, { vendor: Vendor; most: number; perMs: number }>> = {
  wecom: { vendor: wecom, most: 20, perMs: 60_000 },
  dingtalk: { vendor: dingtalk, most: 20, perMs: 60_000 },
  feishu: { vendor: feishu, most: 100, perMs: 60_000 },
  slack: { vendor: slack, most: 1, perMs: 1_000 },
  telegram: { vendor: telegram, most: 20, perMs: 60_000 },
  pagerduty: { vendor: pagerduty, most: 500, perMs: 60_000 },
  webhook: { vendor: webhook, most: Number.MAX_SAFE_INTEGER, perMs: 1 },
};

/** A channel's configuration, as it is written, with the right key or a wrong one; `base` is where the vendors are. */
export function vendorChannel(type: string, base: string, wrong = false): object {
  const key = (right: string): string => (wrong ? `${right}-wrong` : right);
  const url = `${base}/${type}`;
  const written: Record<string, object> = {
    wecom: { key: key(KEYS.wecom), url },
    dingtalk: { token: KEYS.dingtalk, secret: key(KEYS.dingtalkSecret), url },
    feishu: { key: KEYS.feishu, secret: key(KEYS.feishuSecret), url: `${url}/` },
    slack: { url: `${url}/${key(KEYS.slack)}` },
    telegram: { token: key(KEYS.telegram), chatId: "-100123", url },
    pagerduty: { routingKey: key(KEYS.pagerduty), url },
    webhook: { url },
  };
  return { type, ...written[type] };
}

export interface Accepted {
  readonly vendor: string;
  readonly at: number;
  // biome-ignore lint/suspicious/noExplicitAny: as in Request.
  readonly body: any;
  readonly headers: IncomingMessage["headers"];
}

/** All vendors on one port, each under its own path: `/wecom/…`. */
export class Vendors {
  readonly accepted: Accepted[] = [];
  /** Refusals by vendor: what was wrong each time. */
  readonly refused: { readonly vendor: string; readonly answer: Answer }[] = [];
  /** Set to make a vendor fail: it answers this instead. */
  readonly down = new Map<string, Answer>();
  readonly #server: Server;
  readonly #times = new Map<string, number[]>();

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://vendors");
        const { status, body, headers } = this.#answer(url, request, Buffer.concat(chunks).toString());
        response.writeHead(status, headers);
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What a vendor accepted. */
  of(vendor: string): Accepted[] {
    return this.accepted.filter((accepted) => accepted.vendor === vendor);
  }

  #answer({ pathname, searchParams }: URL, { headers }: IncomingMessage, text: string): Answer {
    const [, name = "", ...rest] = pathname.split("/");
    const found = VENDORS[name];
    if (found === undefined) return { status: 404, body: "no such vendor" };
    const now = Date.now();
    const recent = (this.#times.get(name) ?? []).filter((at) => now - at < found.perMs);
    recent.push(now);
    this.#times.set(name, recent);
    const body = text === "" ? undefined : JSON.parse(text);
    const request: Request = { path: `/${rest.join("/")}`, query: searchParams, headers, text, body, now };
    const answer = this.down.get(name) ?? found.vendor(request, recent.length > found.most);
    const { errcode, code } = (typeof answer.body === "object" ? answer.body : {}) as Record<string, unknown>;
    if (answer.status < 300 && !errcode && !code)
      this.accepted.push({ vendor: name, at: now, body, headers });
    else this.refused.push({ vendor: name, answer });
    return answer;
  }
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** Whether the tags of Telegram's HTML are its own and closed, and nothing else looks like one. */
function balanced(html: string): boolean {
  const open: string[] = [];
  const rest = html.replace(/<(\/?)(b|a)(?: href="[^"<>]*")?>/g, (_tag, end: string, name: string) => {
    if (end === "") open.push(name);
    else if (open.pop() !== name) open.push("wrong");
    return "";
  });
  return open.length === 0 && !/[<>]/.test(rest) && !/&(?!(amp|lt|gt|quot);)/.test(rest);
}
