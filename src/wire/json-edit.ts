/**
 * Small edits to a JSON object in its own bytes: everything but the edited value stays as it was,
 * spacing, order, escapes and all. Used for the documented rewrites of a request.
 */
import { joined, latin1Text } from "./bytes.ts";
import { skipSpace, skipString, skipValue } from "./json-skip.ts";

/** A member of the outermost object: where its value stands. `key` is unescaped. */
interface Member {
  readonly key: string;
  readonly valueStart: number;
  readonly valueEnd: number;
}

const encoder = new TextEncoder();

/** Replaces the value of every top-level member `key` (a duplicate key too) by the JSON of `value`. */
export function replaceMember(body: Uint8Array, key: string, value: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const member of members(body)) {
    if (member.key !== key) continue;
    pieces.push(body.subarray(from, member.valueStart), json);
    from = member.valueEnd;
  }
  if (from === 0) return body;
  pieces.push(body.subarray(from));
  return joined(pieces);
}

/** Puts a member in front of the others. The body must be a JSON object that has at least one member. */
export function insertMember(body: Uint8Array, key: string, value: unknown): Uint8Array {
  const brace = body.indexOf(0x7b) + 1;
  const member = encoder.encode(`${JSON.stringify(key)}:${JSON.stringify(value)},`);
  return joined([body.subarray(0, brace), member, body.subarray(brace)]);
}

/**
 * The members of the outermost object. The body must have passed JSON.parse; for anything else the
 * result is undefined but finite.
 */
function members(body: Uint8Array): Member[] {
  const text = latin1Text(body);
  const found: Member[] = [];
  let at = text.indexOf("{") + 1;
  while (at > 0 && at < text.length) {
    const keyStart = text.indexOf('"', at);
    if (keyStart === -1) break;
    const keyEnd = skipString(text, keyStart);
    const valueStart = skipSpace(text, text.indexOf(":", keyEnd) + 1);
    const end = skipValue(text, valueStart);
    if (keyEnd === -1 || end === -1) break;
    found.push({ key: unescaped(text.slice(keyStart, keyEnd)), valueStart, valueEnd: end });
    const comma = skipSpace(text, end);
    if (text[comma] !== ",") break;
    at = comma + 1;
  }
  return found;
}

function unescaped(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
