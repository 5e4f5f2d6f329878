/** Frames a stream's events as text: server-sent events, or Gemini's JSON array. */
import type { Quantities } from "../core/quantities.ts";
import type { EventStream, StreamEvent } from "./call.ts";
import type { Knobs } from "./knobs.ts";

export interface Frame {
  readonly text: string;
  readonly tokens: number;
  readonly reported?: Quantities | undefined;
}

const LINE_ENDS = { lf: "\n", crlf: "\r\n", cr: "\r" } as const;

/** The frames of `stream` as the knobs want them: line ends, comments, an open end, an error amid it. */
export function* frames(stream: EventStream, knobs: Knobs): Generator<Frame> {
  if (stream.framing === "array") {
    yield* arrayFrames(stream, knobs);
    return;
  }
  const eol = LINE_ENDS[knobs.eol ?? "lf"];
  const comment = knobs.comments === true ? `: keep-alive${eol}${eol}` : "";
  let held: Frame | undefined;
  for (const event of eventsWith(stream, knobs)) {
    if (held !== undefined) yield held;
    const name = event.name === "" ? "" : `event: ${event.name}${eol}`;
    held = {
      text: `${comment}${name}data: ${event.data}${eol}${eol}`,
      tokens: event.tokens,
      reported: event.reported,
    };
  }
  if (stream.done && knobs.done !== false && knobs.streamError !== true) {
    if (held !== undefined) yield held;
    held = { text: `${comment}data: [DONE]${eol}${eol}`, tokens: 0 };
  }
  if (held === undefined) return;
  yield knobs.openEnd === true ? { ...held, text: held.text.slice(0, -eol.length) } : held;
}

function* arrayFrames(stream: EventStream, knobs: Knobs): Generator<Frame> {
  let opening = "[";
  for (const event of eventsWith(stream, knobs)) {
    yield { text: opening + event.data, tokens: event.tokens, reported: event.reported };
    opening = ",\r\n";
  }
  yield { text: opening === "[" ? "[]" : "]", tokens: 0 };
}

function* eventsWith(stream: EventStream, knobs: Knobs): Generator<StreamEvent> {
  const last = knobs.streamError === true ? (knobs.after ?? 1) : Number.POSITIVE_INFINITY;
  let passed = 0;
  for (const event of stream.events) {
    if (passed++ >= last) {
      yield stream.error;
      return;
    }
    yield event;
  }
}
