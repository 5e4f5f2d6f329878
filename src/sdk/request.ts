/** What an app hands to `fetch`, read as far as metering needs it, and the same again for each attempt. */
import type { Operation, RequestBody, RequestFacts } from "../usage/dialect.ts";
import { askForUsage, lacksUsage, parseBody } from "../usage/request-body.ts";
import { utf8Text } from "../wire/bytes.ts";

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
  readonly bytes: Uint8Array | undefined;
  /** We ask for usage in the stream where the app did not. */
  readonly usageInjected: boolean;
}

const encoder = new TextEncoder();

export function urlOf(input: FetchInput): string {
  if (typeof input === "string") return input;
  return input instanceof URL ? input.href : input.url;
}

/** Upper case. */
export function methodOf(input: FetchInput, init: FetchInit | undefined): string {
  const method = init?.method ?? (isRequest(input) ? input.method : "GET");
  return method.toUpperCase();
}

/** Reads the body whole, however it is given: a model cannot be known from half a request. */
export async function readRequest(
  input: FetchInput,
  init: FetchInit | undefined,
  url: string,
  operation: Operation,
  includeUsage: boolean,
): Promise<AppRequest> {
  const given = init?.body ?? undefined;
  const taken =
    typeof given === "string" || given instanceof Uint8Array
      ? { body: given, bytes: typeof given === "string" ? encoder.encode(given) : given, contentType: "" }
      : await readBody(input, init);
  const parsed = typeof given === "string" ? parseText(given) : parseBytes(taken, input, init);
  const facts = operation.dialect.facts(operation, parsed);
  const signal = init?.signal ?? (isRequest(input) ? input.signal : undefined);
  const request = {
    input,
    url,
    signal,
    traceparent: headerOf(input, init, "traceparent"),
    facts,
    bytes: taken.bytes,
  };
  if (taken.bytes !== undefined && lacksUsage(operation, facts, parsed.json, includeUsage)) {
    const bytes = askForUsage(taken.bytes, parsed.json);
    // As a text where it was one: that decides the content type where none is given.
    const body = typeof given === "string" ? utf8Text(bytes) : asBody(bytes);
    return { ...request, init: { ...init, body }, usageInjected: true };
  }
  return { ...request, init: replayable(init, taken, input), usageInjected: false };
}

type FetchBody = NonNullable<FetchInit["body"]>;

interface Taken {
  readonly body: FetchBody | undefined;
  readonly bytes: Uint8Array | undefined;
  /** Of a form, whose boundary is made when it is read. */
  readonly contentType: string;
}

async function readBody(input: FetchInput, init: FetchInit | undefined): Promise<Taken> {
  const body = init?.body ?? (isRequest(input) ? input.clone().body : undefined);
  if (body === undefined || body === null) return { body: undefined, bytes: undefined, contentType: "" };
  const read = new Response(body as ConstructorParameters<typeof Response>[0]);
  const bytes = new Uint8Array(await read.arrayBuffer());
  return { body: asBody(bytes), bytes, contentType: read.headers.get("content-type") ?? "" };
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

function parseText(text: string): RequestBody {
  try {
    return { json: JSON.parse(text), form: undefined };
  } catch {
    return { json: undefined, form: undefined };
  }
}

function parseBytes(taken: Taken, input: FetchInput, init: FetchInit | undefined): RequestBody {
  if (taken.bytes === undefined) return parseBody(undefined, "");
  const contentType = taken.contentType || headerOf(input, init, "content-type");
  return contentType.toLowerCase().startsWith("multipart/")
    ? parseBody(taken.bytes, contentType)
    : parseText(utf8Text(taken.bytes));
}

/** One header of the request, without building what is not there. `name` is lower case. */
export function headerOf(input: FetchInput, init: FetchInit | undefined, name: string): string {
  const headers = init?.headers ?? (isRequest(input) ? input.headers : undefined);
  if (headers === undefined || headers === null) return "";
  if (headers instanceof Headers) return headers.get(name) ?? "";
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

function isRequest(input: FetchInput): input is Request {
  return typeof input === "object" && !(input instanceof URL);
}

function asBody(bytes: Uint8Array): FetchBody {
  return bytes as Uint8Array<ArrayBuffer>;
}
