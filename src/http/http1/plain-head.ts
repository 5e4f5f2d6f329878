/**
 * The head of a plain request: HTTP/1.1, to a path that may be a call, with a body of an announced length or
 * none. It reads strictly, and knows nothing of the rest: whatever is not plain, be it odd, old or an attack,
 * is node:http's to judge (see fast-connection.ts).
 */
import { isFieldValue, roleOf } from "../../wire/http-fields.ts";

export interface PlainHead {
  readonly method: string;
  /** Path with query, as received. */
  readonly target: string;
  /** Names and values alternating, as received, one character for each byte. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the body. */
  readonly contentLength: number;
  /** The client wants to use the connection again. */
  readonly keepAlive: boolean;
}

/**
 * Methods of calls. Others have meanings of their own: OPTIONS may be a browser's question, CONNECT is none
 * of ours. Targets begin with `/v`, as all paths of the LLM APIs do, and are visible ASCII.
 */
const REQUEST_LINE = /^(GET|POST|HEAD|PUT|PATCH|DELETE) (\/v[!-~]*) HTTP\/1\.1$/;
/** Exact as a number, and no leading zeros, which somebody might read as octal. */
const LENGTH = /^(?:0|[1-9]\d{0,14})$/;

/**
 * Reads a head. Each line of `text` ends with CRLF; the empty one is not among them.
 *
 * @returns undefined when it is not plain.
 */
export function parsePlainHead(text: string): PlainHead | undefined {
  const lineEnd = text.indexOf("\r\n");
  const line = REQUEST_LINE.exec(text.slice(0, lineEnd));
  if (line === null) return undefined;
  const [, method = "", target = ""] = line;
  const rawHeaders: string[] = [];
  let contentLength: number | undefined;
  let hosts = 0;
  let keepAlive = true;
  for (let at = lineEnd + 2; at < text.length; ) {
    const end = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon > end) return undefined;
    const name = text.slice(at, colon);
    const role = roleOf(name);
    const value = trimmed(text, colon + 1, end);
    if (!isFieldValue(value)) return undefined;
    rawHeaders.push(name, value);
    at = end + 2;
    switch (role) {
      case "none":
      case "keep-alive":
        break;
      case "host":
        if (++hosts > 1) return undefined;
        break;
      case "content-length":
        if (contentLength !== undefined || !LENGTH.test(value)) return undefined;
        contentLength = Number(value);
        break;
      case "connection":
        // Which other headers belong to the connection is the gateway's to read.
        if (CLOSE.test(value)) keepAlive = false;
        break;
      case "transfer-encoding":
      case "expect":
      case "upgrade":
      case undefined:
        return undefined;
    }
  }
  return { method, target, rawHeaders, contentLength: contentLength ?? 0, keepAlive };
}

const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;

/** The text between `from` and `to` without the blanks around it. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
