/** The head of an answer: from its text to status, headers, and where its body ends. */
import { type FieldRole, isFieldValue, roleOf } from "../../wire/http-fields.ts";

/** Bytes that are no answer in HTTP/1.1; the message says why, in a few words. */
export class MalformedAnswer extends Error {}

export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values as received, one character for each byte. */
  readonly headers: string[];
  /** Bytes of the body where `content-length` tells them. */
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  /** The connection may serve another request. */
  readonly keepAlive: boolean;
  /** Milliseconds for which the server says that it keeps an idle connection. */
  readonly keepAliveFor: number;
}

interface StatusLine {
  /** 0 or 1, of HTTP/1.x. */
  readonly minor: number;
  readonly status: number;
  readonly statusText: string;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;
/** Lines seen, as there are few; bounded, because the upstream chooses them. */
const statusLines = new Map<string, StatusLine>();
const MAX_STATUS_LINES = 256;

/** One line of a head that was read, with its CRLF, and what it says. */
interface KnownLine {
  readonly line: string;
  readonly name: string;
  readonly value: string;
  readonly role: FieldRole;
}

/** The lines of a connection's last head: most of them come again in the next, and need no second reading. */
export type LastLines = KnownLine[];

/** The lines of longer heads are not kept. */
const MAX_KEPT_HEAD = 4_096;

/**
 * Reads a head. Each line of `text` ends with CRLF; the empty one is not among them.
 *
 * @param last what the connection's last head left here; this one takes its place.
 * @throws MalformedAnswer
 */
export function parseAnswerHead(text: string, last: LastLines = []): AnswerHead {
  const end = text.indexOf("\r\n");
  const { minor, status, statusText } = parseStatusLine(text.slice(0, end));
  const headers: string[] = [];
  let contentLength: number | undefined;
  let chunked = false;
  let keepAlive = minor === 1;
  let closes = false;
  let keepAliveFor = Number.POSITIVE_INFINITY;
  const keeps = text.length <= MAX_KEPT_HEAD;
  for (let at = end + 2, number = 0; at < text.length; number++) {
    let known = last[number];
    // Faster than `startsWith`, which compares character by character.
    if (known !== undefined && text.slice(at, at + known.line.length) === known.line) {
      headers.push(known.name, known.value);
    } else {
      known = readLine(text, at, headers);
      if (keeps) last[number] = known;
    }
    at += known.line.length;
    const { role, value } = known;
    if (role === "none") continue;
    if (role === "content-length") {
      if (contentLength !== undefined) throw new MalformedAnswer("content-length occurs twice");
      contentLength = parseLength(value);
    } else if (role === "transfer-encoding") {
      if (chunked || value.toLowerCase() !== "chunked") {
        throw new MalformedAnswer("transfer-encoding is not just chunked");
      }
      chunked = true;
    } else if (role === "connection") {
      if (CLOSE.test(value)) closes = true;
      else if (KEEP_ALIVE.test(value)) keepAlive = true;
    } else if (role === "keep-alive") {
      const seconds = TIMEOUT.exec(value)?.[1];
      if (seconds !== undefined) keepAliveFor = Number(seconds) * 1000;
    }
  }
  if (chunked && contentLength !== undefined) {
    throw new MalformedAnswer("both content-length and transfer-encoding");
  }
  // HTTP/1.0 has no transfer codings: whoever sends one anyway is not to be trusted with a second answer.
  if (closes || (chunked && minor === 0)) keepAlive = false;
  return { status, statusText, headers, contentLength, chunked, keepAlive, keepAliveFor };
}

function readLine(text: string, at: number, fields: string[]): KnownLine {
  const end = text.indexOf("\r\n", at);
  const role = readField(text, at, end, fields);
  const [name = "", value = ""] = fields.slice(-2);
  return { line: text.slice(at, end + 2), name, value, role };
}

/**
 * Reads the field between `at` and `end` of `text` and adds its name and value to `fields`.
 *
 * @throws MalformedAnswer
 */
export function readField(text: string, at: number, end: number, fields: string[]): FieldRole {
  const colon = text.indexOf(":", at);
  if (colon === -1 || colon > end) throw new MalformedAnswer("a header line without a colon");
  const name = text.slice(at, colon);
  const role = roleOf(name);
  // Folded lines (obs-fold) begin with a blank, and end here.
  if (role === undefined) throw new MalformedAnswer("an invalid header name");
  let from = colon + 1;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  const value = text.slice(from, to);
  if (!isFieldValue(value)) throw new MalformedAnswer("an invalid character in a header value");
  fields.push(name, value);
  return role;
}

const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
const TIMEOUT = /(?:^|[,\t ])timeout[\t ]*=[\t ]*"?(\d{1,9})/i;
const LENGTH = /^\d{1,15}$/;

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function parseStatusLine(line: string): StatusLine {
  let parsed = statusLines.get(line);
  if (parsed === undefined) {
    const match = STATUS_LINE.exec(line);
    const [, minor, status, statusText = ""] = match ?? [];
    if (match === null || !isFieldValue(statusText)) throw new MalformedAnswer("an invalid status line");
    parsed = { minor: Number(minor), status: Number(status), statusText };
    if (statusLines.size < MAX_STATUS_LINES) statusLines.set(line, parsed);
  }
  return parsed;
}

function parseLength(value: string): number {
  if (!LENGTH.test(value)) throw new MalformedAnswer("an invalid content-length");
  return Number(value);
}
