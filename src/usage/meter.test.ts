import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recognise } from "./dialects/index.ts";
import { AnswerMeter } from "./meter.ts";

const MARK = "\uFEFF";
const GEMINI = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";

function meterOf(
  path: string,
  contentType: string,
  pieces: readonly Uint8Array[],
  now = () => 0,
): AnswerMeter {
  const operation = recognise("POST", path);
  if (operation === undefined) throw new Error(`${path} is not recognised`);
  const meter = new AnswerMeter({ operation, contentType, dropUsageChunk: false, now });
  expect(pieces.every((piece) => meter.push(piece) === piece)).toBe(true);
  meter.finish();
  return meter;
}

const bytesOf = (text: string): Buffer => Buffer.from(text);

/** An answer of Gemini's stream: some text, and the usage up to here. */
const chunk = (text: string, candidatesTokenCount: number, last = false) => ({
  candidates: [{ content: { parts: [{ text }] }, ...(last && { finishReason: "STOP" }) }],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount },
  modelVersion: "gemini-2.5-flash",
});

describe("a stream that is a JSON array", () => {
  it("gives the usage of its last answer however long it is and wherever it was cut", () => {
    const answers = Array.from({ length: 40 }, (_, at) =>
      chunk("é漢\u0000".repeat(10_000), at + 1, at === 39),
    );
    const wire = bytesOf(JSON.stringify(answers, undefined, 1));
    expect(wire.length).toBeGreaterThan(2 * 1024 * 1024);
    const expected = { inputTokens: 7, outputTokens: 40 };
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 70_000 }), (size) => {
        const pieces = Array.from({ length: Math.ceil(wire.length / size) }, (_, at) =>
          wire.subarray(at * size, (at + 1) * size),
        );
        const { reading, malformed } = meterOf(GEMINI, "application/json; charset=utf-8", pieces);
        expect({
          ...reading.quantities,
          malformed,
          model: reading.model,
          complete: reading.complete,
        }).toEqual({
          ...expected,
          malformed: false,
          model: "gemini-2.5-flash",
          complete: true,
        });
      }),
      { numRuns: 5, examples: [[wire.length]] },
    );
  });

  it("tells when the first output came, and what was reported before it broke off", () => {
    const times = [5, 9];
    const [first, second] = [JSON.stringify(chunk("a", 1)), JSON.stringify(chunk("b", 2))];
    const pieces = [`[${first}`, `,\n${second}`, ',{"cand'].map(bytesOf);
    const meter = meterOf(GEMINI, "application/json", pieces, () => times.shift() ?? 99);
    expect(meter.firstOutputAt).toBe(5);
    expect(meter.reading).toMatchObject({ quantities: { outputTokens: 2 }, complete: false, reported: true });
    expect(meter.malformed).toBe(true);
  });

  it("may be an error instead, or nothing", () => {
    const error = JSON.stringify({ error: { code: 429, message: "x".repeat(5_000) } });
    expect(meterOf(GEMINI, "application/json", [bytesOf(" "), bytesOf(error)])).toMatchObject({
      malformed: false,
      reading: { failed: true },
    });
    expect(meterOf(GEMINI, "application/json", []).malformed).toBe(false);
  });
});

describe("a byte order mark", () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 };
  const chat = JSON.stringify({ choices: [], model: "gpt-4.1", usage });

  it.each([
    ["JSON", "/v1/chat/completions", "application/json", chat],
    ["long JSON", "/v1/chat/completions", "application/json", chat.replace("[]", `["${"x".repeat(9_000)}"]`)],
    ["a stream", "/v1/chat/completions", "text/event-stream", `data: ${chat}\n\n`],
    ["an array", GEMINI, "application/json", JSON.stringify([chunk("a", 4)]).replace(":7", ":3")],
  ])("before %s does not hide what it reports", (_, path, contentType, text) => {
    for (const size of [text.length * 2, 1]) {
      const wire = bytesOf(MARK + text);
      const pieces = Array.from({ length: Math.ceil(wire.length / size) }, (_, at) =>
        wire.subarray(at * size, (at + 1) * size),
      );
      const { reading, malformed } = meterOf(path, contentType, pieces);
      expect({ ...reading.quantities, malformed }).toEqual({
        inputTokens: 3,
        outputTokens: 4,
        malformed: false,
      });
    }
  });
});
