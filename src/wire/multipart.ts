/**
 * Reads the text fields of a multipart/form-data body (RFC 7578), such as the `model` beside an audio
 * file, and replaces one. Files are stepped over without being copied. Nothing is thrown: what cannot be
 * read is left out.
 */
import { joined, utf8Text } from "./bytes.ts";

const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 8 * 1024;

const LF = 10;
const CR = 13;
const DASH = 45;

/** Fields that are not files, by name; of several with one name the last. Fields over 64 KiB are left out. */
export function formFields(body: Uint8Array, contentType: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, start, end } of textFields(body, contentType)) {
    found.set(name, utf8Text(body, start, end));
    if (found.size === MAX_FIELDS) break;
  }
  return found;
}

/** The body with another value in every text field of that name; without one as it was. */
export function replaceField(body: Uint8Array, contentType: string, name: string, value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const field of textFields(body, contentType)) {
    if (field.name !== name) continue;
    pieces.push(body.subarray(from, field.start), bytes);
    from = field.end;
  }
  if (from === 0) return body;
  pieces.push(body.subarray(from));
  return joined(pieces);
}

interface Field {
  readonly name: string;
  /** Where its value stands. */
  readonly start: number;
  readonly end: number;
}

function* textFields(body: Uint8Array, contentType: string): Generator<Field> {
  const boundary = boundaryOf(contentType);
  if (boundary === "") return;
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  let here = nextDelimiter(body, delimiter, 0);
  while (here !== undefined && !here.last) {
    const next = nextDelimiter(body, delimiter, here.end);
    const field = readPart(body, here.end, next?.start ?? body.length);
    if (field !== undefined) yield field;
    here = next;
  }
}

function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))/i.exec(contentType);
  return match?.[1]?.replace(/\\(.)/g, "$1") ?? match?.[2] ?? "";
}

interface Delimiter {
  /** Where the content before it ends: before the line break that belongs to the delimiter. */
  readonly start: number;
  /** Where the part after it begins. */
  readonly end: number;
  /** The last delimiter of the body. */
  readonly last: boolean;
}

/** The next delimiter that has a line to itself; the boundary amid other bytes is content. */
function nextDelimiter(body: Uint8Array, delimiter: Uint8Array, from: number): Delimiter | undefined {
  for (let at = indexOf(body, delimiter, from); at !== -1; at = indexOf(body, delimiter, at + 1)) {
    const atLineStart = at === 0 || body[at - 1] === LF;
    let end = at + delimiter.length;
    const last = body[end] === DASH && body[end + 1] === DASH;
    if (last) end += 2;
    while (body[end] === 32 || body[end] === 9) end++;
    if (body[end] === CR) end++;
    const atLineEnd = body[end] === LF || end >= body.length;
    if (!atLineStart || !(atLineEnd || last)) continue;
    // The line break before a delimiter is not content, but the first delimiter may share it with the preamble.
    let start = at;
    if (start > from && body[start - 1] === LF) start--;
    if (start > from && body[start - 1] === CR) start--;
    return { start, end: end + 1, last };
  }
  return undefined;
}

/** A part that is a text field; undefined for any other. */
function readPart(body: Uint8Array, start: number, end: number): Field | undefined {
  const content = headersEnd(body, start, Math.min(end, start + MAX_HEADER_BYTES));
  if (content === -1 || end - content > MAX_FIELD_BYTES) return undefined;
  const name = fieldName(utf8Text(body, start, content));
  return name === undefined ? undefined : { name, start: content, end: Math.max(content, end) };
}

/** Where the content begins, after the blank line that ends the headers; -1 when there is none. */
function headersEnd(body: Uint8Array, start: number, limit: number): number {
  let lineStart = start;
  for (let at = start; at < limit; at++) {
    if (body[at] !== LF) continue;
    const length = at - lineStart - (at > lineStart && body[at - 1] === CR ? 1 : 0);
    if (length === 0) return at + 1;
    lineStart = at + 1;
  }
  return -1;
}

/** The name of a field; undefined for a file, or for what is no form field at all. */
function fieldName(headers: string): string | undefined {
  const disposition = /^content-disposition:[ \t]*form-data((?:[^\r\n]|\r?\n[ \t])*)/im.exec(headers)?.[1];
  if (disposition === undefined || /;\s*filename\*?\s*=/i.test(withoutQuoted(disposition))) return undefined;
  const match = /;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(disposition);
  const name = match?.[1]?.replace(/\\(["\\])/g, "$1") ?? match?.[2];
  // Browsers write these three characters so (WHATWG HTML, multipart/form-data encoding).
  return name?.replace(/%22/g, '"').replace(/%0D/gi, "\r").replace(/%0A/gi, "\n");
}

function withoutQuoted(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
}

/** Like `Buffer.indexOf`, which is used where there is one. */
function indexOf(bytes: Uint8Array, needle: Uint8Array, from: number): number {
  if (typeof Buffer !== "undefined") {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(needle, from);
  }
  const first = needle[0];
  if (first === undefined) return -1;
  for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
    let index = 1;
    while (index < needle.length && bytes[at + index] === needle[index]) index++;
    if (index === needle.length) return at;
  }
  return -1;
}
