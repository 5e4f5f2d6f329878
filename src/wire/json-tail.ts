/**
 * Finds one member of a large JSON object without parsing the rest: `usage` stands near the end of an
 * answer, `model` near its beginning, and between them may be megabytes of content.
 *
 * What is found is what `JSON.parse` of the whole would give, provided that the whole is valid JSON and
 * names the member once. Where that cannot be proved the answer is undefined: parse the whole then.
 */
import { utf8Text } from "./bytes.ts";
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  endsLiteral,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "./json-marks.ts";

/** Occurrences of the key to examine at most, so that a hostile body costs little. */
const MAX_CANDIDATES = 8;

/**
 * The value of the last top-level member `key` of the object `bytes`, if it begins within the last
 * `windowBytes`. `key` is plain ASCII.
 *
 * A quoted key that no backslash precedes cannot be inside a string. It is top-level when what follows
 * its value, up to the end of the body, is nothing but members of the same object and its closing brace.
 */
export function findInTail(bytes: Uint8Array, key: string, windowBytes: number): unknown {
  if (bytes[skipSpace(bytes, 0, bytes.length)] !== OPEN_BRACE) return undefined;
  const floor = Math.max(0, bytes.length - windowBytes);
  let at = lastQuoted(bytes, key, bytes.length, floor);
  for (let tried = 0; at !== -1 && tried < MAX_CANDIDATES; tried++) {
    const colon = skipSpace(bytes, at + key.length + 2, bytes.length);
    if (bytes[colon] === COLON && beginsMember(bytes, at)) {
      const start = skipSpace(bytes, colon + 1, bytes.length);
      const end = skipValue(bytes, start, bytes.length);
      if (end !== -1 && onlyMembersFollow(bytes, end)) return parsed(bytes, start, end);
    }
    at = lastQuoted(bytes, key, at, floor);
  }
  return undefined;
}

/**
 * The value of the first top-level member `key` of the object `bytes`, if it ends within the first
 * `windowBytes`. `key` is plain ASCII.
 */
export function findInHead(bytes: Uint8Array, key: string, windowBytes: number): unknown {
  const limit = Math.min(bytes.length, windowBytes);
  let at = skipSpace(bytes, 0, limit);
  if (bytes[at] !== OPEN_BRACE) return undefined;
  do {
    const name = skipSpace(bytes, at + 1, limit);
    const colon = skipName(bytes, name, limit);
    if (colon === -1) return undefined;
    const start = skipSpace(bytes, colon + 1, limit);
    const end = skipValue(bytes, start, limit);
    if (end === -1) return undefined;
    if (isQuoted(bytes, name, key)) return parsed(bytes, start, end);
    at = skipSpace(bytes, end, limit);
  } while (at < limit && bytes[at] === COMMA);
  return undefined;
}

/**
 * Where `"key"` begins, searching backwards from `before`; -1 when it does not begin at `floor` or later.
 * By Horspool's method: the byte where the quoted key would begin tells how far it must move.
 */
function lastQuoted(bytes: Uint8Array, key: string, before: number, floor: number): number {
  const shifts = shiftsOf(key);
  let at = before - key.length - 2;
  while (at >= floor) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE && isQuoted(bytes, at, key)) return at;
    at -= shifts[byte] ?? 1;
  }
  return -1;
}

/** Few keys are ever looked for, and all of them are named in code. */
const shiftsByKey = new Map<string, Uint8Array>();

/** For each byte, the distance from the beginning of `"key"` to its next occurrence there. */
function shiftsOf(key: string): Uint8Array {
  let shifts = shiftsByKey.get(key);
  if (shifts === undefined) {
    const quoted = `"${key}"`;
    shifts = new Uint8Array(256).fill(Math.min(quoted.length, 255));
    for (let index = Math.min(quoted.length - 1, 255); index > 0; index--)
      shifts[quoted.charCodeAt(index)] = index;
    shiftsByKey.set(key, shifts);
  }
  return shifts;
}

/** `"key"` stands at `at`. */
function isQuoted(bytes: Uint8Array, at: number, key: string): boolean {
  if (bytes[at] !== QUOTE || bytes[at + key.length + 1] !== QUOTE) return false;
  for (let index = 0; index < key.length; index++) {
    if (bytes[at + 1 + index] !== key.charCodeAt(index)) return false;
  }
  return true;
}

/** A member begins after the opening brace or a comma; a quote inside a string has a backslash before it. */
function beginsMember(bytes: Uint8Array, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && isSpace(bytes[before])) before--;
  return bytes[before] === COMMA || bytes[before] === OPEN_BRACE;
}

/** From `at` to the end of the body there are only further members and the brace that closes their object. */
function onlyMembersFollow(bytes: Uint8Array, from: number): boolean {
  const { length } = bytes;
  let at = skipSpace(bytes, from, length);
  while (bytes[at] === COMMA) {
    const colon = skipName(bytes, skipSpace(bytes, at + 1, length), length);
    if (colon === -1) return false;
    at = skipValue(bytes, skipSpace(bytes, colon + 1, length), length);
    if (at === -1) return false;
    at = skipSpace(bytes, at, length);
  }
  return bytes[at] === CLOSE_BRACE && skipSpace(bytes, at + 1, length) === length;
}

/** The colon after the member name at `at`; -1 when there is none, or when escapes might hide the key in it. */
function skipName(bytes: Uint8Array, at: number, limit: number): number {
  if (bytes[at] !== QUOTE) return -1;
  const end = skipString(bytes, at, limit);
  if (end === -1) return -1;
  for (let index = at + 1; index < end; index++) if (bytes[index] === BACKSLASH) return -1;
  const colon = skipSpace(bytes, end, limit);
  return colon < limit && bytes[colon] === COLON ? colon : -1;
}

/** The position after the value at `at`; -1 when it does not end before `limit`. */
function skipValue(bytes: Uint8Array, at: number, limit: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at, limit);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, at, limit);
  let end = at;
  while (end < limit && !endsLiteral(bytes[end])) end++;
  return end === at || end === limit ? -1 : end;
}

function skipNested(bytes: Uint8Array, from: number, limit: number): number {
  let depth = 0;
  for (let at = from; at < limit; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at, limit) - 1;
      if (at < 0) return -1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
    } else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) {
      return at + 1;
    }
  }
  return -1;
}

/** The position after the string that opens at `at`; -1 when it does not close before `limit`. */
function skipString(bytes: Uint8Array, at: number, limit: number): number {
  for (let index = at + 1; index < limit; index++) {
    const byte = bytes[index];
    if (byte === QUOTE) return index + 1;
    if (byte === BACKSLASH) index++;
  }
  return -1;
}

function skipSpace(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit && isSpace(bytes[at])) at++;
  return at;
}

function parsed(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(utf8Text(bytes, start, end));
  } catch {
    return undefined;
  }
}
