/**
 * Keeps the beginning of a text that comes in many small pieces, and counts the rest.
 *
 * Joining strings would keep every piece alive, at some 60 bytes each, for as long as the stream lasts.
 * Here the characters are copied into one array: a byte each while all are Latin, two otherwise.
 */

/** Characters (UTF-16 units) kept, so that a stream holds at most 32 KB. Of a longer text this is sample enough. */
export const SAMPLE_CHARACTERS = 16 * 1024;

const FIRST_CAPACITY = 512;
/** `String.fromCharCode` takes its characters as arguments; engines allow some ten thousand. */
const ARGUMENTS = 8 * 1024;

export class TextSample {
  #units: Uint8Array | Uint16Array | undefined;
  #length = 0;
  #total = 0;
  /** How many pieces were added, and the last of them. */
  pieces = 0;
  lastPiece = "";

  /** Takes the next piece; what does not fit is only counted. */
  add(piece: string): void {
    this.#total += piece.length;
    this.pieces++;
    this.lastPiece = piece;
    const end = Math.min(this.#length + piece.length, SAMPLE_CHARACTERS);
    if (end === this.#length) return;
    let units = this.#units;
    if (units === undefined || end > units.length) units = this.#grow(end, units instanceof Uint16Array);
    let wide = units instanceof Uint16Array;
    for (let from = 0, at = this.#length; at < end; from++, at++) {
      const unit = piece.charCodeAt(from);
      if (unit > 0xff && !wide) {
        this.#length = at;
        units = this.#grow(Math.max(end, units.length), true);
        wide = true;
      }
      units[at] = unit;
    }
    this.#length = end;
  }

  /** The kept beginning, at most `SAMPLE_CHARACTERS` long. */
  get text(): string {
    const units = this.#units;
    if (units === undefined) return "";
    let text = "";
    for (let at = 0; at < this.#length; at += ARGUMENTS) {
      text += String.fromCharCode(...units.subarray(at, Math.min(at + ARGUMENTS, this.#length)));
    }
    return text;
  }

  /** Characters (UTF-16 units) of everything that was added. */
  get totalCharacters(): number {
    return this.#total;
  }

  #grow(needed: number, wide: boolean): Uint8Array | Uint16Array {
    let capacity = this.#units?.length ?? FIRST_CAPACITY;
    while (capacity < needed) capacity *= 2;
    const units = wide ? new Uint16Array(capacity) : new Uint8Array(capacity);
    if (this.#units !== undefined) units.set(this.#units.subarray(0, this.#length));
    this.#units = units;
    return units;
  }
}
