import fc from "fast-check";
import { expect, it } from "vitest";
import { type LastLines, parseAnswerHead } from "./answer-head.ts";

const line = fc.constantFrom(
  ...[
    "content-length: 1",
    "Content-Length: 12",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "A: b",
    "A: bc",
  ],
  ...["a: b", "A : b", " folded", "no colon", "X: \0", "Keep-Alive: timeout=5", "date: today", "A:", ""],
);
const head = fc
  .array(line, { maxLength: 6 })
  .map((lines) => ["HTTP/1.1 200 OK", ...lines].map((each) => `${each}\r\n`).join(""));

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

it("is read alike whatever heads the connection carried before it", () => {
  fc.assert(
    fc.property(fc.array(head, { maxLength: 8 }), (heads) => {
      const last: LastLines = [];
      for (const text of heads) {
        expect(outcome(() => parseAnswerHead(text, last))).toEqual(outcome(() => parseAnswerHead(text)));
      }
    }),
  );
});
