/** How a body is cut into writes: where TCP might have cut it. */
import type { Random } from "./random.ts";

const MOST_RANDOM_BYTES = 32;

/** The parts of `bytes`, in order, none empty. */
export function* cuts(bytes: Buffer, cut: number | "utf8" | "random", random: Random): Generator<Buffer> {
  let start = 0;
  while (start < bytes.length) {
    const end = Math.min(bytes.length, nextCut(bytes, start, cut, random));
    yield bytes.subarray(start, end);
    start = end;
  }
}

function nextCut(bytes: Buffer, start: number, cut: number | "utf8" | "random", random: Random): number {
  if (cut === "random") return start + random.between(1, MOST_RANDOM_BYTES);
  if (typeof cut === "number") return start + cut;
  return insideNextCharacter(bytes, start);
}

/** The place after the first byte of the next character that has more than one. */
function insideNextCharacter(bytes: Buffer, start: number): number {
  for (let index = start; index < bytes.length; index++) {
    if ((bytes[index] ?? 0) >= 0xc0) return index + 1;
  }
  return bytes.length;
}
