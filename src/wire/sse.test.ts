import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventSplitter, readEvent } from "./sse.ts";

const encode = (text: string): Uint8Array => Buffer.from(text);

/** Cuts bytes at the given places, empty pieces included. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const place of [...sorted, bytes.length]) {
    pieces.push(bytes.subarray(from, place));
    from = place;
  }
  return pieces;
}

function run(pieces: readonly Uint8Array[], mayDrop: boolean, drop: (data: string) => boolean) {
  const seen: string[] = [];
  const out: Uint8Array[] = [];
  const splitter = new EventSplitter(
    {
      event(bytes, start, end) {
        const { data } = readEvent(bytes, start, end);
        if (data !== undefined) seen.push(data);
        return data !== undefined && drop(data);
      },
    },
    mayDrop,
  );
  for (const piece of pieces) {
    // The transport reuses its memory: what is relayed or kept must not alias a later chunk.
    const chunk = Buffer.from(piece);
    const relayed = Buffer.from(splitter.push(chunk));
    chunk.fill(0);
    out.push(relayed);
  }
  out.push(Buffer.from(splitter.finish()));
  return { seen, out: Buffer.concat(out).toString() };
}

describe("EventSplitter", () => {
  it("finds events with LF and CRLF line ends, comments and several fields", () => {
    const text = ': keep-alive\n\ndata: {"a":1}\r\n\r\nevent: x\ndata: one\ndata: two\n\ndata:last';
    expect(run([encode(text)], false, () => false).seen).toEqual(['{"a":1}', "one\ntwo", "last"]);
  });

  it("holds an unfinished event back only where events may be dropped", () => {
    const out: string[] = [];
    const splitter = new EventSplitter({ event: () => false }, true);
    out.push(Buffer.from(splitter.push(encode("data: a\n\ndata: b"))).toString());
    out.push(Buffer.from(splitter.push(encode("\n\n"))).toString());
    expect(out).toEqual(["data: a\n\n", "data: b\n\n"]);
  });

  it("relays an event larger than any worth dropping without waiting for its end", () => {
    const splitter = new EventSplitter({ event: () => true }, true);
    const big = Buffer.from(`data: ${"x".repeat(70_000)}`);
    expect(splitter.push(big).length).toBe(big.length);
    expect(Buffer.from(splitter.push(encode("y\n\ndata: z\n\n"))).toString()).toBe("y\n\n");
  });

  it("passes an event beyond the limit by unread, and reads the one after it", () => {
    const piece = Buffer.alloc(4 * 1024 * 1024, 120);
    for (const mayDrop of [true, false]) {
      const seen: string[] = [];
      let relayed = 0;
      const splitter = new EventSplitter(
        {
          event(bytes, start, end) {
            seen.push(readEvent(bytes, start, end).data ?? "");
            return false;
          },
        },
        mayDrop,
      );
      const pieces = [
        encode("data: "),
        piece,
        piece,
        piece,
        piece,
        piece,
        encode("\r\n\r"),
        encode("\ndata: after\n\n"),
      ];
      for (const part of pieces) relayed += splitter.push(part).length;
      expect(seen).toEqual(["after"]);
      if (mayDrop) expect(relayed).toBe(pieces.reduce((sum, part) => sum + part.length, 0));
    }
  });

  it("sees the same events and relays the same bytes however the stream is cut", () => {
    const event = fc.record({
      data: fc.stringMatching(/^[a-zé漢{}":]{0,12}$/),
      eol: fc.constantFrom("\n", "\r\n"),
      comment: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.nat(400)),
        fc.boolean(),
        (events, places, dropAny) => {
          const drop = (data: string): boolean => dropAny && data.includes("a");
          const text = (keep: (data: string) => boolean): string =>
            events
              .filter(({ data }) => keep(data))
              .map(({ data, eol, comment }) => `${comment ? `: c${eol}` : ""}data: ${data}${eol}${eol}`)
              .join("");
          const whole = encode(text(() => true));
          const dropping = run(cut(whole, places), true, drop);
          expect(dropping.seen).toEqual(events.map(({ data }) => data));
          expect(dropping.out).toBe(text((data) => !drop(data)));
          const watching = run(cut(whole, places), false, () => true);
          expect(watching.seen).toEqual(dropping.seen);
        },
      ),
    );
  });
});

describe("readEvent", () => {
  it("ignores fields that only begin like data and event", () => {
    const bytes = encode("datax: 1\neventual: 2\nid: 3");
    expect(readEvent(bytes, 0, bytes.length).data).toBeUndefined();
  });

  it("removes one space after the colon, and only one", () => {
    const bytes = encode("event:e\ndata:  two");
    expect(readEvent(bytes, 0, bytes.length)).toEqual({ name: "e", data: " two" });
  });
});
