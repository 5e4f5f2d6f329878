/** Passes over JSON in a text without looking into it: strings by the platform's own search for their end. */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  endsLiteral,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "./json-marks.ts";

/** The position after the value at `at`; -1 when it does not end. */
export function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return skipString(text, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(text, at);
  let end = at;
  while (end < text.length && !endsLiteral(text.charCodeAt(end))) end++;
  return end === at ? -1 : end;
}

function skipNested(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = skipString(text, at) - 1;
      if (at < 0) return -1;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      depth++;
    } else if ((unit === CLOSE_BRACE || unit === CLOSE_BRACKET) && --depth === 0) {
      return at + 1;
    }
  }
  return -1;
}

/** The position after the string that opens at `at`; -1 when it does not close. */
export function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? -1 : end + 1;
}

/** An odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}

export function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}
