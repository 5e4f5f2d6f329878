/**
 * Reads a few top-level members of a JSON object's text without parsing the rest, which may be a prompt of
 * megabytes: strings are passed over by the platform's own search for their end.
 *
 * What is read is what `JSON.parse` of the whole would give, provided that the whole is valid JSON; what is passed
 * over is not examined. Where the members cannot be told apart the answer is undefined: parse the whole then.
 */

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** The members of the object `text` that are named in `wanted`; those that it lacks are absent. */
export function readMembers(
  text: string,
  wanted: ReadonlySet<string>,
): Readonly<Record<string, unknown>> | undefined {
  const found: Record<string, unknown> = {};
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) return undefined;
  do {
    const start = skipSpace(text, at + 1);
    const end = text.indexOf('"', start + 1);
    if (text.charCodeAt(start) !== QUOTE || end === -1) return undefined;
    const name = text.slice(start + 1, end);
    // An escape may spell a name that is wanted, or be of a quote within it.
    if (name.includes("\\")) return undefined;
    const colon = skipSpace(text, end + 1);
    if (text.charCodeAt(colon) !== COLON) return undefined;
    const valueStart = skipSpace(text, colon + 1);
    const valueEnd = skipValue(text, valueStart);
    if (valueEnd === -1) return undefined;
    if (wanted.has(name)) {
      try {
        found[name] = JSON.parse(text.slice(valueStart, valueEnd));
      } catch {
        return undefined;
      }
    }
    at = skipSpace(text, valueEnd);
  } while (text.charCodeAt(at) === COMMA);
  return text.charCodeAt(at) === CLOSE_BRACE && skipSpace(text, at + 1) === text.length ? found : undefined;
}

/** The position after the value at `at`; -1 when it does not end. */
function skipValue(text: string, at: number): number {
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
function skipString(text: string, at: number): number {
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

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(unit: number): boolean {
  return unit === 32 || unit === 10 || unit === 13 || unit === 9;
}

function endsLiteral(unit: number): boolean {
  return unit === COMMA || unit === CLOSE_BRACE || unit === CLOSE_BRACKET || isSpace(unit);
}
