/** Renders families a slice at a time, so that a scrape of any size never holds up traffic. */
import type { Family } from "../family.ts";
import type { Format } from "./negotiate.ts";
import { OPENMETRICS_TYPE, openmetrics } from "./openmetrics.ts";
import { TEXT_TYPE, text } from "./text.ts";

interface Encoder {
  readonly contentType: string;
  encode(families: Iterable<Family>): Iterable<string>;
}

export const encoders: Readonly<Record<Format, Encoder>> = {
  text: { contentType: TEXT_TYPE, encode: text },
  openmetrics: { contentType: OPENMETRICS_TYPE, encode: openmetrics },
};

const CHUNK_CHARACTERS = 64 * 1024;
const SLICE_MS = 1;
/** Pieces between two looks at the clock; one takes microseconds, but for an empty one, which stands for more. */
const PIECES = 8;

/** Yields the page in chunks; between slices of about a millisecond other work gets its turn. */
export async function* render(families: Iterable<Family>, format: Format): AsyncGenerator<string> {
  let chunk = "";
  let pieces = 0;
  let since = performance.now();
  for (const piece of encoders[format].encode(families)) {
    chunk += piece;
    if (piece !== "" && ++pieces % PIECES !== 0) continue;
    if (chunk.length >= CHUNK_CHARACTERS) {
      yield chunk;
      chunk = "";
    }
    if (performance.now() - since > SLICE_MS) {
      await nextTurn();
      since = performance.now();
    }
  }
  if (chunk !== "") yield chunk;
}

/** Waits for a turn of the event loop; browsers, which have no `setImmediate`, run this too. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve);
  });
}
