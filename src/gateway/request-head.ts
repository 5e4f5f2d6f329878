/**
 * Reads a request's headers in one pass: what goes on to the upstream, what authenticates the client,
 * and what makes the request unacceptable.
 */
import { BellwetherError } from "../core/errors.ts";

/** What is done with a header, by its lower-case name. */
type Treatment = "forward" | "hop" | "once" | "auth" | "noted";

/**
 * `hop` headers concern only this connection (RFC 9110, section 7.6.1) and are never forwarded.
 * `once` headers make a request ambiguous when they occur twice, which is how requests are smuggled.
 */
const TREATMENTS: Readonly<Record<string, Treatment>> = {
  connection: "hop",
  "keep-alive": "hop",
  "proxy-authenticate": "hop",
  "proxy-authorization": "hop",
  "proxy-connection": "hop",
  te: "hop",
  trailer: "hop",
  upgrade: "hop",
  "http2-settings": "hop",
  expect: "hop",
  host: "once",
  "content-length": "once",
  "transfer-encoding": "once",
  authorization: "auth",
  "x-api-key": "auth",
  "x-goog-api-key": "auth",
  "accept-encoding": "noted",
  "anthropic-version": "noted",
  "content-type": "noted",
  traceparent: "noted",
};

/** Spellings seen, so that lower-casing is rare; bounded, because clients choose the spelling. */
const known = new Map<string, KnownHeader>();
const MAX_KNOWN = 1024;

interface KnownHeader {
  readonly lower: string;
  readonly treatment: Treatment;
  /** What the header says of the upstream's rate limit, if it does. */
  readonly rateLimit: Omit<RateLimit, "value"> | undefined;
}

/** What an answer told of one of the upstream's rate limits. */
export interface RateLimit {
  readonly resource: "requests" | "tokens";
  readonly kind: "limit" | "remaining";
  readonly value: number;
}

/** `x-ratelimit-remaining-tokens` (OpenAI and others), `anthropic-ratelimit-tokens-remaining`. */
const RATE_LIMIT =
  /^(?:x-ratelimit-(limit|remaining)-(requests|tokens)|anthropic-ratelimit-(requests|tokens)-(limit|remaining))$/;

function rateLimitOf(lower: string): KnownHeader["rateLimit"] {
  const match = RATE_LIMIT.exec(lower);
  if (match === null) return undefined;
  const [, kind = match[4], resource = match[3]] = match;
  return { resource, kind } as KnownHeader["rateLimit"];
}

function lookUp(name: string): KnownHeader {
  let entry = known.get(name);
  if (entry === undefined) {
    const lower = name.toLowerCase();
    const treatment = Object.hasOwn(TREATMENTS, lower) ? (TREATMENTS[lower] ?? "forward") : "forward";
    entry = { lower, treatment, rateLimit: rateLimitOf(lower) };
    if (known.size < MAX_KNOWN) known.set(name, entry);
  }
  return entry;
}

export class RequestHead {
  /** Names and values to forward, in order and spelling as received; authentication is not among them. */
  readonly forward: string[] = [];
  /** Authentication headers as received. */
  readonly auth: string[] = [];
  authorization: string | undefined;
  xApiKey: string | undefined;
  xGoogApiKey: string | undefined;
  contentType = "";
  traceparent = "";
  /** The client speaks Anthropic's API, whatever the path. */
  anthropic = false;

  readonly hasHost: boolean;

  /**
   * @param http10 HTTP/1.0 has no transfer codings.
   * @throws BellwetherError malformed_request when the headers are ambiguous.
   */
  constructor(rawHeaders: readonly string[], http10 = false) {
    let once: string[] | undefined;
    let listed: string[] | undefined;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? "";
      const value = rawHeaders[at + 1] ?? "";
      const { lower, treatment } = lookUp(name);
      switch (treatment) {
        case "forward":
          this.forward.push(name, value);
          break;
        case "noted":
          this.#note(lower, value);
          this.forward.push(name, value);
          break;
        case "auth":
          this.#authenticate(lower, value);
          this.auth.push(name, value);
          break;
        case "once":
          if (once?.includes(lower)) throw ambiguous(`\`${lower}\` occurs twice`);
          if (lower === "transfer-encoding") checkCoding(value, http10);
          once = once === undefined ? [lower] : [...once, lower];
          break;
        case "hop":
          if (lower === "connection") listed = connectionOptions(value) ?? listed;
          break;
      }
    }
    this.hasHost = once?.includes("host") === true;
    if (listed !== undefined) this.#remove(listed);
  }

  /** Removes a header from what is forwarded. */
  drop(lower: string): void {
    this.#remove([lower]);
  }

  #note(lower: string, value: string): void {
    if (lower === "content-type") this.contentType = value;
    else if (lower === "anthropic-version") this.anthropic = true;
    else if (lower === "traceparent") this.traceparent = value;
  }

  #authenticate(lower: string, value: string): void {
    if (lower === "authorization") this.authorization ??= value;
    else if (lower === "x-api-key") this.xApiKey ??= value;
    else this.xGoogApiKey ??= value;
  }

  #remove(names: readonly string[]): void {
    for (let at = this.forward.length - 2; at >= 0; at -= 2) {
      if (names.includes((this.forward[at] ?? "").toLowerCase())) this.forward.splice(at, 2);
    }
  }
}

function ambiguous(why: string): BellwetherError {
  return new BellwetherError("malformed_request", { why });
}

/** Any other coding would have to be undone here, and is a favourite disguise of smuggled requests. */
function checkCoding(value: string, http10: boolean): void {
  if (http10) throw ambiguous("HTTP/1.0 has no `transfer-encoding`");
  if (value.trim().toLowerCase() !== "chunked") throw ambiguous("`transfer-encoding` must be `chunked`");
}

/** Headers that `Connection` names concern only this connection too; undefined when it names none. */
function connectionOptions(value: string): string[] | undefined {
  if (value === "keep-alive" || value === "close") return undefined;
  return value
    .toLowerCase()
    .split(",")
    .map((option) => option.trim());
}

/** Headers of an answer that are not passed on: they concern only the connection to the upstream. */
const ANSWER_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** What the gateway notes of an answer's head, and the headers to pass on. */
export class AnswerHead {
  readonly headers: string[] = [];
  contentType = "";
  contentEncoding = "";
  requestId = "";
  /** Its length is announced. */
  sized = false;

  /** @throws Error when the body's coding is not what everybody reads alike. */
  constructor(rawHeaders: readonly string[]) {
    let listed: string[] | undefined;
    let coded = false;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? "";
      const value = rawHeaders[at + 1] ?? "";
      const { lower } = lookUp(name);
      if (ANSWER_HOP.has(lower)) {
        if (lower === "connection") listed = connectionOptions(value) ?? listed;
        if (lower === "transfer-encoding") {
          if (coded || value.trim().toLowerCase() !== "chunked") throw new Error("its `transfer-encoding`");
          coded = true;
        }
        continue;
      }
      if (lower === "content-type") this.contentType = value.toLowerCase();
      else if (lower === "content-length") this.sized = true;
      else if (lower === "content-encoding") this.contentEncoding = value.toLowerCase().trim();
      else if (lower === "x-request-id" || (lower === "request-id" && this.requestId === ""))
        this.requestId = value;
      this.headers.push(name, value);
    }
    if (listed !== undefined) this.drop(listed);
  }

  /** What the headers tell of the upstream's rate limits. */
  rateLimits(): RateLimit[] {
    const found: RateLimit[] = [];
    for (let at = 0; at < this.headers.length; at += 2) {
      const { rateLimit } = lookUp(this.headers[at] ?? "");
      const value = Number.parseFloat(this.headers[at + 1] ?? "");
      // Azure says -1 where it has no limit; that is no number of requests.
      if (rateLimit !== undefined && value >= 0 && value < Infinity) found.push({ ...rateLimit, value });
    }
    return found;
  }

  drop(names: readonly string[]): void {
    for (let at = this.headers.length - 2; at >= 0; at -= 2) {
      if (names.includes((this.headers[at] ?? "").toLowerCase())) this.headers.splice(at, 2);
    }
  }
}

/** The trace id of a W3C `traceparent` header, or "". */
export function traceIdOf(traceparent: string): string {
  return traceparent === ""
    ? ""
    : (/^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent)?.[1] ?? "");
}
