/** A request's body as dialects look at it, and the one wish that is written into it. */
import { latin1Text, utf8Text } from "../wire/bytes.ts";
import { insertMember, replaceMember } from "../wire/json-edit.ts";
import { formFields } from "../wire/multipart.ts";
import type { Operation, RequestBody, RequestFacts } from "./dialect.ts";

const NO_BODY: RequestBody = { json: undefined, form: undefined };

/**
 * Parses a body as far as facts need it. JSON is read as latin1, which is as fast as scanning and
 * cannot be fooled (facts.md); text beyond ASCII is wrong then, and decoded again where it matters.
 */
export function parseBody(body: Uint8Array | undefined, contentType: string): RequestBody {
  if (body === undefined || body.length === 0) return NO_BODY;
  if (contentType.toLowerCase().startsWith("multipart/form-data")) {
    return { json: undefined, form: formFields(body, contentType) };
  }
  return { json: parseJson(latin1Text(body)), form: undefined };
}

/** The body with its text right, for estimates. */
export function parseBodyText(body: Uint8Array | string | undefined): RequestBody {
  if (body === undefined) return NO_BODY;
  return { json: parseJson(typeof body === "string" ? body : utf8Text(body)), form: undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A string that was parsed from latin1, as it is meant. */
export function fromLatin1(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return text;
    if (code > 0x7f) return utf8Text(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }
  return text;
}

/**
 * Whether a stream would report no usage unless it is asked for on the client's behalf. `understood`: the
 * upstream knows `stream_options.include_usage`.
 */
export function lacksUsage(
  operation: Operation,
  facts: RequestFacts,
  json: unknown,
  understood: boolean,
): json is Record<string, unknown> {
  return (
    operation.dialect.usageOnRequest === true &&
    facts.streaming &&
    facts.asksForUsage !== true &&
    understood &&
    isObject(json)
  );
}

/** The body of such a request with `stream_options.include_usage` set. */
export function askForUsage(body: Uint8Array, json: Record<string, unknown>): Uint8Array {
  const options = json.stream_options;
  return isObject(options)
    ? replaceMember(body, "stream_options", { ...options, include_usage: true })
    : options === undefined
      ? insertMember(body, "stream_options", { include_usage: true })
      : replaceMember(body, "stream_options", { include_usage: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
