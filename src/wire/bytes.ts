/**
 * Bytes to text and back, with Node's fast paths where there is a Buffer and the platform's decoders
 * where there is none, so that everything above runs in workers and browsers too.
 */

export const EMPTY = new Uint8Array(0);

/** What some put before a text in UTF-8. It is no part of the text, and parsers stumble over it. */
export const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** Where the text begins of which `bytes[start…)` is the beginning: after a byte order mark, if there is one. */
export function textStart(bytes: Uint8Array, start = 0): number {
  return BYTE_ORDER_MARK.every((byte, at) => bytes[start + at] === byte) ? start + 3 : start;
}

/** Node's own are several times as fast, also for what is no Buffer. */
interface NodeMethods {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  indexOf(this: Uint8Array, byte: number, from: number): number;
}

/** Looked up once: in Node.js the global is a getter, which each use would call. */
const NodeBuffer = typeof Buffer === "undefined" ? undefined : Buffer;
const node = NodeBuffer?.prototype as unknown as NodeMethods | undefined;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of `bytes[start, end)` as UTF-8; malformed sequences become U+FFFD. */
export function utf8Text(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return node === undefined
    ? utf8.decode(bytes.subarray(start, end))
    : node.utf8Slice.call(bytes, start, end);
}

/** Where `byte` stands next, at `from` or behind; -1 where it does not. */
export function indexOfByte(bytes: Uint8Array, byte: number, from: number): number {
  return node === undefined ? bytes.indexOf(byte, from) : node.indexOf.call(bytes, byte, from);
}

const encoder = new TextEncoder();

/** `text` in UTF-8. */
export const utf8Bytes: (text: string) => Uint8Array =
  NodeBuffer === undefined ? (text) => encoder.encode(text) : (text) => NodeBuffer.from(text);

/** Bytes of `text` in UTF-8, without making them where that can be had. */
export const utf8Length: (text: string) => number =
  NodeBuffer === undefined ? (text) => encoder.encode(text).length : (text) => NodeBuffer.byteLength(text);

/** Text of `bytes[start, end)` with one character per byte: fast, lossless, and safe to cut anywhere. */
export function latin1Text(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (node !== undefined) return node.latin1Slice.call(bytes, start, end);
  let text = "";
  for (let at = start; at < end; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 8192)));
  }
  return text;
}

/** So many pieces at a time are looked at, and joined where they are smaller than this on average. */
const MANY_PIECES = 256;
const SMALL_PIECE = 256;

/** Adds a piece to a list that will be joined. Of tiny pieces there may be millions, each dearer than what it holds. */
export function gather(pieces: Uint8Array[], piece: Uint8Array): void {
  pieces.push(piece);
  if (pieces.length % MANY_PIECES !== 0) return;
  const last = pieces.slice(-MANY_PIECES);
  const length = last.reduce((sum, each) => sum + each.length, 0);
  if (length < MANY_PIECES * SMALL_PIECE) pieces.splice(-MANY_PIECES, MANY_PIECES, joined(last, length));
}

/** Joins pieces into one array; a single piece is returned as it is. */
export function joined(pieces: readonly Uint8Array[], total?: number): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const length = total ?? pieces.reduce((sum, piece) => sum + piece.length, 0);
  const all = allocate(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Uninitialised memory: a Buffer where there is one, so that text of it decodes fast. */
export function allocate(length: number): Uint8Array {
  return NodeBuffer === undefined ? new Uint8Array(length) : NodeBuffer.allocUnsafe(length);
}
