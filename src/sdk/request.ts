/** What an app hands to `fetch`, read as far as metering needs it, and the same again for each attempt. */
import type { Operation, RequestBody, RequestFacts } from "../usage/dialect.ts";
import { askForUsage, lacksUsage, parseBody } from "../usage/request-body.ts";
import { utf8Bytes, utf8Length, utf8Text } from "../wire/bytes.ts";
import { readMembers } from "../wire/json-members.ts";

export type FetchInput = Parameters<typeof globalThis.fetch>[0];
export type FetchInit = NonNullable<Parameters<typeof globalThis.fetch>[1]>;

/** A call as the app made it, its body in hand so that it can be sent more than once. */
export interface AppRequest {
  readonly input: FetchInput;
  /** What `fetch` is given for each attempt. */
  readonly init: FetchInit | undefined;
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  readonly traceparent: string;
  readonly facts: RequestFacts;
  /** The body as the app gave it, or its bytes. */
  readonly body: Uint8Array | string | undefined;
  readonly bytesIn: number;
  /** We ask for usage in the stream where the app did not. */
  readonly usageInjected: boolean;
}

export function urlOf(input: FetchInput): string {
  if (typeof input === "string") return input;
  return input instanceof URL ? input.href : input.url;
}

/** Upper case. */
export function methodOf(input: FetchInput, init: FetchInit | undefined): string {
  const method = init?.method ?? (isRequest(input) ? input.method : "GET");
  return method.toUpperCase();
}

/**
 * Reads the body whole, however it is given: a model cannot be known from half a request. At once where it is
 * given as text or bytes, as SDKs do.
 */
export function readRequest(
  input: FetchInput,
  init: FetchInit | undefined,
  url: string,
  operation: Operation,
  includeUsage: boolean,
): AppRequest | Promise<AppRequest> {
  const given = init?.body;
  if (typeof given === "string" || given instanceof Uint8Array) {
    return requestOf(input, init, url, operation, includeUsage, {
      body: given,
      content: given,
      contentType: "",
    });
  }
  return readBody(input, init).then((taken) => requestOf(input, init, url, operation, includeUsage, taken));
}

function requestOf(
  input: FetchInput,
  init: FetchInit | undefined,
  url: string,
  operation: Operation,
  includeUsage: boolean,
  taken: Taken,
): AppRequest {
  const { content } = taken;
  const keys = operation.dialect.factKeys;
  const parsed =
    typeof content === "string" ? parseText(content, keys) : parseBytes(taken, input, init, keys);
  const facts = operation.dialect.facts(operation, parsed);
  const usageInjected = content !== undefined && lacksUsage(operation, facts, parsed.json, includeUsage);
  return {
    input,
    init: usageInjected ? asking(init, content, parsed.json) : replayable(init, taken, input),
    url,
    signal: init?.signal ?? (isRequest(input) ? input.signal : undefined),
    traceparent: headerOf(input, init, "traceparent"),
    facts,
    body: content,
    bytesIn: typeof content === "string" ? utf8Length(content) : (content?.length ?? 0),
    usageInjected,
  };
}

/** The request with our wish for usage in it. */
function asking(init: FetchInit | undefined, content: Uint8Array | string, json: unknown): FetchInit {
  const isText = typeof content === "string";
  const bytes = askForUsage(isText ? utf8Bytes(content) : content, json as Record<string, unknown>);
  // As a text where it was one: that decides the content type where none is given.
  return { ...init, body: isText ? utf8Text(bytes) : asBody(bytes) };
}

type FetchBody = NonNullable<FetchInit["body"]>;

interface Taken {
  readonly body: FetchBody | undefined;
  readonly content: Uint8Array | string | undefined;
  /** Of a form, whose boundary is made when it is read. */
  readonly contentType: string;
}

async function readBody(input: FetchInput, init: FetchInit | undefined): Promise<Taken> {
  const body = init?.body ?? (isRequest(input) ? input.clone().body : undefined);
  if (body === undefined || body === null) return { body: undefined, content: undefined, contentType: "" };
  const read = new Response(body as ConstructorParameters<typeof Response>[0]);
  const bytes = new Uint8Array(await read.arrayBuffer());
  return { body: asBody(bytes), content: bytes, contentType: read.headers.get("content-type") ?? "" };
}

/** The same request with a body that can be sent again. */
function replayable(init: FetchInit | undefined, taken: Taken, input: FetchInput): FetchInit | undefined {
  if (taken.body === undefined || taken.body === init?.body) return init;
  const { duplex: _, ...rest } = (init ?? {}) as FetchInit & { duplex?: unknown };
  if (taken.contentType === "" || headerOf(input, init, "content-type") !== "")
    return { ...rest, body: taken.body };
  const headers = new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined));
  headers.set("content-type", taken.contentType);
  return { ...rest, body: taken.body, headers };
}

/** The few members that `keys` names, without the rest where they can be told from it. */
function parseText(text: string, keys: ReadonlySet<string>): RequestBody {
  try {
    return { json: readMembers(text, keys) ?? JSON.parse(text), form: undefined };
  } catch {
    return { json: undefined, form: undefined };
  }
}

function parseBytes(
  taken: Taken,
  input: FetchInput,
  init: FetchInit | undefined,
  keys: ReadonlySet<string>,
): RequestBody {
  const { content } = taken;
  if (content === undefined || typeof content === "string") return parseBody(undefined, "");
  const contentType = taken.contentType || headerOf(input, init, "content-type");
  return contentType.toLowerCase().startsWith("multipart/")
    ? parseBody(content, contentType)
    : parseText(utf8Text(content), keys);
}

/** One header of the request, without building what is not there. `name` is lower case. */
export function headerOf(input: FetchInput, init: FetchInit | undefined, name: string): string {
  const headers = init?.headers ?? (isRequest(input) ? input.headers : undefined);
  if (headers === undefined || headers === null) return "";
  if (isHeaders(headers)) return headers.get(name) ?? "";
  if (Array.isArray(headers)) {
    const found = headers.find((pair) => String(pair[0]).toLowerCase() === name);
    return found === undefined ? "" : String(found[1]);
  }
  for (const key in headers) {
    if (key.length === name.length && key.toLowerCase() === name) {
      return String((headers as Record<string, unknown>)[key]);
    }
  }
  return "";
}

/** Of whatever realm or polyfill; a global class would have to be looked up for each call. */
function isHeaders(headers: object): headers is Headers {
  return typeof (headers as { get?: unknown }).get === "function";
}

function isRequest(input: FetchInput): input is Request {
  return typeof input === "object" && !(input instanceof URL);
}

function asBody(bytes: Uint8Array): FetchBody {
  return bytes as Uint8Array<ArrayBuffer>;
}
