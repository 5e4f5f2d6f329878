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
 * Writes the heads of an upstream's requests. The fields of the last one are kept: clients send the same ones call
 * after call, and checking and joining them is most of the work.
 */
export class RequestHeads {
  readonly #host: string;
  #headers: readonly string[] = [];
  #fields: string;

  /** `host` is the line with the upstream's own name. */
  constructor(host: string) {
    this.#host = host;
    this.#fields = fieldsOf([], host);
  }

  /**
   * The head with the empty line after it, one character for each byte.
   *
   * @throws InvalidRequest
   */
  write(request: UpstreamRequest): string {
    const { method, path, headers, body } = request;
    if (!isToken(method)) throw new InvalidRequest("the method is no word");
    if (!path.startsWith("/") || NOT_A_TARGET.test(path))
      throw new InvalidRequest("the path has an invalid character");
    if (!areEqual(headers, this.#headers)) {
      this.#fields = fieldsOf(headers, this.#host);
      this.#headers = [...headers];
    }
    const length = body?.length ?? (EXPECTS_BODY.has(method) ? 0 : undefined);
    const framing = length === undefined ? "" : `content-length: ${length}\r\n`;
    return `${method} ${path} HTTP/1.1\r\n${this.#fields}${framing}\r\n`;
  }
}

function fieldsOf(headers: readonly string[], host: string): string {
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
  return `${hosts || host}connection: keep-alive\r\n${lines}`;
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at++) if (some[at] !== others[at]) return false;
  return true;
}
