/**
 * Deterministic text and the sandbox's own rule of counting tokens. The rule is a simple one on purpose:
 * a test can repeat it in its head. A token of input is four bytes of UTF-8, begun ones included; a token
 * of output is one piece, as streamed.
 */
import { mix } from "./random.ts";

const BYTES_A_TOKEN = 4;

/** Tokens of input text: UTF-8 bytes divided by four, rounded up. */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN);
}

/** Words of the sandbox's prose; some take two, three or four bytes a character. */
const WORDS =
  "the bell rings and the flock follows one sheep leads over hill and field while a shepherd counts every call by its tokens naïve café über jalapeño 羊 领头羊 铃声 草原 ひつじ 방울 🐑 🔔 ✓ — slow rivers carry quiet light past old stone walls where morning mist hides each path until wind turns it all to open sky".split(
    " ",
  );

/** The piece of text at `index` of the prose that `seed` begins; words keep their leading space. */
export function piece(seed: number, index: number): string {
  const word = WORDS[mix(seed + Math.imul(index + 1, 0x9e3779b1)) % WORDS.length] ?? "the";
  if (index === 0) return word.charAt(0).toUpperCase() + word.slice(1);
  return index % CLAUSE === CLAUSE - 1 ? `, ${word}` : ` ${word}`;
}

/** A comma stands before every so many words. */
const CLAUSE = 17;

/** `count` pieces of prose. */
export function prose(seed: number, count: number): string[] {
  const pieces: string[] = [];
  for (let index = 0; index < count; index++) pieces.push(piece(seed, index));
  return pieces;
}

const PIECE_CHARACTERS = 4;

/** Cuts text (JSON, tool arguments) into pieces of at most four characters, never through one. */
export function piecesOf(text: string): string[] {
  const characters = Array.from(text);
  return Array.from({ length: Math.ceil(characters.length / PIECE_CHARACTERS) }, (_, index) =>
    characters.slice(index * PIECE_CHARACTERS, (index + 1) * PIECE_CHARACTERS).join(""),
  );
}
