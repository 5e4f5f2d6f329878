/** The head of a request as text, refusing what would be read as more than one header. */

import { isFieldValue, isToken, roleOf } from "../../wire/http-fields.ts";
import type { UpstreamRequest } from "../exchange.ts";

/** What cannot be written as one request; the message says why, in a few words. */
export class InvalidRequest extends Error {}

/** Anything but visible latin1 would end the request line early. */
const NOT_A_TARGET = /[^!-~\x80-\xff]/;

/** Methods whose requests have a body: an absent one is announced as such (RFC 9110, section 8.6). */
const EXPECTS_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/**
 * The head with the empty line after it, one character for each byte.
 *
 * @throws InvalidRequest
 */
export function requestHead(request: UpstreamRequest, host: string): string {
  const { method, path, headers, body } = request;
  if (!isToken(method)) throw new InvalidRequest("the method is no word");
  if (!path.startsWith("/") || NOT_A_TARGET.test(path))
    throw new InvalidRequest("the path has an invalid character");
  let hosts = "";
  let lines = "";
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? "";
    const value = headers[at + 1] ?? "";
    const role = roleOf(name);
    if (role === undefined) throw new InvalidRequest("a header name has an invalid character");
    if (!isFieldValue(value)) throw new InvalidRequest(`the header ${name} has an invalid character`);
    const line = `${name}: ${value}\r\n`;
    if (role === "none") lines += line;
    // Configured for an upstream behind another name.
    else if (role === "host" && hosts === "") hosts = line;
    else throw new InvalidRequest(`the header ${name} is not the caller's to set`);
  }
  const length =
    body === undefined
      ? EXPECTS_BODY.has(method)
        ? "content-length: 0\r\n"
        : ""
      : `content-length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\n${hosts || host}connection: keep-alive\r\n${lines}${length}\r\n`;
}
