/**
 * Most events of a stream differ from the one before in nothing but the text that they add, so that they need not be
 * parsed: it takes ten times as long as to compare them.
 *
 * What an event does depends on what it says and on what was read before. An event that was parsed, and changed nothing
 * but to add one text, is remembered by its parts around that text. The next one, if it has the same parts and another
 * plain text there, would do the same with its own, and this is then known without parsing it. Only what no dialect
 * reads may differ besides.
 */

/** What stands between two parts that must be alike: the added text, or what no dialect reads. */
type Gap = "text" | "padding" | "number";

interface Part {
  readonly alike: string;
  readonly gap: Gap;
}

/** Of OpenAI's: random padding against eavesdroppers, and the number of the event. */
const UNREAD: readonly (readonly [string, Gap])[] = [
  ['"obfuscation":"', "padding"],
  ['"sequence_number":', "number"],
];

/** After so many events in a row that had to be parsed, a stream is one of those whose events are not alike. */
const MOST_DIFFERENT = 16;

const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;
const ZERO = 48;
const NINE = 57;

export class SimilarEvents {
  #name = "";
  #parts: readonly Part[] | undefined;
  #end = "";
  #different = 0;

  /** It is worth while to remember events. */
  get useful(): boolean {
    return this.#different < MOST_DIFFERENT;
  }

  /** The text that an event adds and that is all it does; undefined where it has to be parsed to know. */
  added(name: string, data: string): string | undefined {
    const parts = this.#parts;
    if (parts === undefined) return undefined;
    let text: string | undefined;
    let at = 0;
    if (name === this.#name) {
      for (const { alike, gap } of parts) {
        const from = at + alike.length;
        at = data.slice(at, from) === alike ? gapEnd(data, from, gap) : -1;
        if (at === -1) return undefined;
        if (gap === "text") text = data.slice(from, at);
      }
    }
    if (text === undefined || data.slice(at) !== this.#end) return undefined;
    this.#different = 0;
    return text;
  }

  /** An event had to be parsed. `text`: what it added, if that was all it did. */
  parsed(name: string, data: string, text: string | undefined): void {
    this.#different++;
    this.#name = name;
    this.#parts = undefined;
    if (text === undefined || !this.useful) return;
    const quoted = `"${text}"`;
    const at = data.indexOf(quoted);
    // Where no escape is, a quote is one end of a string, and a text that stands there once is the one that was read.
    if (at === -1 || data.includes("\\") || data.indexOf(quoted, at + 1) !== -1) return;
    this.#divide(data, at + 1);
  }

  /** Divides an event at the text that begins at `text`, and at what is not read. */
  #divide(data: string, text: number): void {
    const gaps: { from: number; gap: Gap }[] = [{ from: text, gap: "text" }];
    for (const [before, gap] of UNREAD) {
      const at = data.indexOf(before);
      if (at !== -1) gaps.push({ from: at + before.length, gap });
    }
    gaps.sort((left, right) => left.from - right.from);
    const parts: Part[] = [];
    let at = 0;
    for (const { from, gap } of gaps) {
      parts.push({ alike: data.slice(at, from), gap });
      at = gapEnd(data, from, gap);
      if (at === -1) return;
    }
    this.#parts = parts;
    this.#end = data.slice(at);
  }
}

/** Where a gap ends that begins at `from`; -1 where something else stands there. */
function gapEnd(data: string, from: number, gap: Gap): number {
  let at = from;
  if (gap === "number") {
    while (isDigit(data.charCodeAt(at))) at++;
    const padded = at > from + 1 && data.charCodeAt(from) === ZERO;
    return at === from || padded ? -1 : at;
  }
  for (let unit = data.charCodeAt(at); unit !== QUOTE; unit = data.charCodeAt(++at)) {
    // Neither an escape nor what JSON forbids, nor the end of the event.
    if (!(unit >= SPACE) || unit === BACKSLASH) return -1;
  }
  // An empty text is no output.
  return gap === "text" && at === from ? -1 : at;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}
