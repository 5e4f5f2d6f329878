/**
 * Reads a few top-level members of a JSON object's text without parsing the rest, which may be a prompt of
 * megabytes: strings are passed over by the platform's own search for their end.
 *
 * What is read is what `JSON.parse` of the whole would give, provided that the whole is valid JSON; what is passed
 * over is not examined. Where the members cannot be told apart the answer is undefined: parse the whole then.
 */
import { CLOSE_BRACE, COLON, COMMA, OPEN_BRACE, QUOTE } from "./json-marks.ts";
import { skipSpace, skipValue } from "./json-skip.ts";

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
