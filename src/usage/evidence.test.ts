/** What a call is said to have used when the upstream tells only a part of it, or nothing true. */
import { describe, expect, it } from "vitest";
import { recognise } from "./dialects/index.ts";
import type { Estimator } from "./estimate.ts";
import { estimateMissing, outcomeOf } from "./evidence.ts";
import { AnswerMeter } from "./meter.ts";

const PROMPT = "How are you?";
const ANSWER = "Well enough.";

/** A token a character, so that the figures tell which text was counted. */
const estimator: Estimator = {
  tokens: async (_text, totalCharacters) => totalCharacters,
  close: () => undefined,
};

async function used(path: string, request: object, contentType: string, answer: string) {
  const operation = recognise("POST", path);
  if (operation === undefined) throw new Error(`${path} is not recognised`);
  const body = JSON.stringify(request);
  const facts = operation.dialect.facts(operation, { json: request, form: undefined });
  const meter = new AnswerMeter({ operation, contentType, dropUsageChunk: false, now: () => 0 });
  meter.push(Buffer.from(answer));
  meter.finish();
  const evidence = {
    operation,
    facts,
    body,
    bytesIn: body.length,
    answer: { status: 200, requestId: "", meter },
    sent: true,
    error: undefined,
    clientGone: false,
    model: "m",
  };
  const estimated = await estimateMissing(evidence, estimator);
  const { quantities, source } = outcomeOf(evidence, estimated?.input ?? 0, estimated?.output ?? 0);
  return [source, quantities.inputTokens, quantities.outputTokens];
}

const MESSAGES = [{ role: "user", content: PROMPT }];
const events = (...each: readonly object[]) =>
  each.map((data) => `data: ${JSON.stringify(data)}\n\n`).join("");

/** One way to ask and to be answered, with the usage the upstream reports put in: [input, output]. */
type Way = (tokens: readonly [number | undefined, number | undefined]) => Promise<unknown[]>;

const ways: Readonly<Record<string, Way>> = {
  "chat, whole": ([prompt_tokens, completion_tokens]) =>
    used(
      "/v1/chat/completions",
      { messages: MESSAGES },
      "application/json",
      JSON.stringify({
        choices: [{ message: { content: ANSWER }, finish_reason: "stop" }],
        usage: { prompt_tokens, completion_tokens },
      }),
    ),
  "chat, a stream": ([prompt_tokens, completion_tokens]) =>
    used(
      "/v1/chat/completions",
      { messages: MESSAGES, stream: true },
      "text/event-stream",
      events(
        { choices: [{ delta: { content: ANSWER } }] },
        { choices: [], usage: { prompt_tokens, completion_tokens } },
      ),
    ),
  "completions, whole": ([prompt_tokens, completion_tokens]) =>
    used(
      "/v1/completions",
      { prompt: PROMPT },
      "application/json",
      JSON.stringify({ choices: [{ text: ANSWER }], usage: { prompt_tokens, completion_tokens } }),
    ),
  "responses, whole": ([input_tokens, output_tokens]) =>
    used(
      "/v1/responses",
      { input: PROMPT },
      "application/json",
      JSON.stringify({
        output: [{ type: "message", content: [{ type: "output_text", text: ANSWER }] }],
        usage: { input_tokens, output_tokens },
      }),
    ),
  "messages, whole": ([input_tokens, output_tokens]) =>
    used(
      "/v1/messages",
      { messages: MESSAGES },
      "application/json",
      JSON.stringify({ content: [{ type: "text", text: ANSWER }], usage: { input_tokens, output_tokens } }),
    ),
  "messages, a stream": ([input_tokens, output_tokens]) =>
    used(
      "/v1/messages",
      { messages: MESSAGES, stream: true },
      "text/event-stream",
      events(
        { type: "message_start", message: { usage: { input_tokens } } },
        { type: "content_block_delta", delta: { type: "text_delta", text: ANSWER } },
        { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens } },
        { type: "message_stop" },
      ),
    ),
  "generateContent, whole": ([promptTokenCount, candidatesTokenCount]) =>
    used(
      "/v1beta/models/gemini-2.5-flash:generateContent",
      { contents: [{ parts: [{ text: PROMPT }] }] },
      "application/json",
      JSON.stringify({
        candidates: [{ content: { parts: [{ text: ANSWER }] }, finishReason: "STOP" }],
        usageMetadata: { promptTokenCount, candidatesTokenCount },
      }),
    ),
};

describe.each(Object.entries(ways))("tokens of %s", (_name, way) => {
  it("are the upstream's where it tells both halves", async () => {
    expect(await way([3, 4])).toEqual(["reported", 3, 4]);
  });

  it.each([undefined, 0])("are estimated by the half that it leaves out or calls %s", async (none) => {
    expect(await way([3, none])).toEqual(["estimated", 3, ANSWER.length]);
    expect(await way([none, 4])).toEqual(["estimated", PROMPT.length, 4]);
    expect(await way([none, none])).toEqual(["estimated", PROMPT.length, ANSWER.length]);
  });
});

describe("tokens", () => {
  it("of an answer without text may be 0", async () => {
    const answer = {
      choices: [{ message: { content: "" } }],
      usage: { prompt_tokens: 3, completion_tokens: 0 },
    };
    const said = JSON.stringify(answer);
    const path = "/v1/chat/completions";
    expect(await used(path, { messages: MESSAGES }, "application/json", said)).toEqual(["reported", 3, 0]);
  });

  it("of an embedding have an input only", async () => {
    const said = JSON.stringify({
      data: [{ embedding: [0.5] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    const path = "/v1/embeddings";
    expect(await used(path, { input: PROMPT }, "application/json", said)).toEqual(["reported", 3, undefined]);
  });

  it("of a stream that failed are what the upstream says, be it nothing", async () => {
    const said = events(
      { choices: [{ delta: { content: ANSWER } }] },
      { error: { message: "overloaded" }, usage: { prompt_tokens: 0, completion_tokens: 0 } },
    );
    const path = "/v1/chat/completions";
    const request = { messages: MESSAGES, stream: true };
    expect(await used(path, request, "text/event-stream", said)).toEqual(["reported", 0, 0]);
  });
});
