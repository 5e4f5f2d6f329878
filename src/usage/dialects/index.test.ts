import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Reading } from "../dialect.ts";
import { dialects, recognise } from "./index.ts";

/** Dialect, endpoint and whether it is billed, in one word. */
function said(method: string, path: string): string | undefined {
  const operation = recognise(method, path);
  return operation && `${operation.dialect.name} ${operation.endpoint}${operation.billable ? " billed" : ""}`;
}

describe("recognise", () => {
  it.each([
    ["POST", "/v1/chat/completions", "openai-chat chat billed"],
    ["GET", "/v1/chat/completions", "openai-chat chat"],
    ["GET", "/v1/chat/completions/chatcmpl-1/messages", "openai-chat chat"],
    ["POST", "/v1/completions", "openai-completions completions billed"],
    ["POST", "/v1/responses", "openai-responses responses billed"],
    ["POST", "/v1/responses/compact", "openai-responses responses billed"],
    ["GET", "/v1/responses/resp_1", "openai-responses responses"],
    ["DELETE", "/v1/responses/resp_1", "openai-responses responses"],
    ["POST", "/v1/responses/resp_1/cancel", "openai-responses responses"],
    ["GET", "/v1/responses/resp_1/input_items", "openai-responses responses"],
    ["POST", "/v1/responses/input_tokens", "openai-responses responses"],
    ["POST", "/v1/embeddings", "openai-embeddings embeddings billed"],
    ["POST", "/v1/images/generations", "openai-images images billed"],
    ["POST", "/v1/images/edits", "openai-images images billed"],
    ["POST", "/v1/images/variations", "openai-images images billed"],
    ["GET", "/v1/images/generations", "openai-images images"],
    ["POST", "/v1/audio/transcriptions", "openai-audio audio billed"],
    ["POST", "/v1/audio/translations", "openai-audio audio billed"],
    ["POST", "/v1/audio/speech", "openai-audio audio billed"],
    ["GET", "/v1/audio/voices", "openai-audio audio"],
    ["GET", "/v1/models", "openai-models models"],
    ["GET", "/v1/models/gpt-4.1", "openai-models models"],
    ["GET", "/v1/models/ft:gpt-4o:org::id", "openai-models models"],
    ["POST", "/v1/messages", "anthropic-messages messages billed"],
    ["POST", "/v1/messages/count_tokens", "anthropic-messages messages"],
    ["POST", "/v1/messages/batches", "anthropic-messages messages"],
    ["POST", "/v1beta/models/gemini-2.5-flash:generateContent", "gemini-generate generate billed"],
    ["POST", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", "gemini-generate generate billed"],
    ["POST", "/v1/models/gemini-2.5-flash:generateContent", "gemini-generate generate billed"],
    ["POST", "/v1beta/tunedModels/mine:generateContent", "gemini-generate generate billed"],
    ["POST", "/v1beta/models/gemini-2.5-flash:countTokens", "gemini-generate generate"],
    ["POST", "/v1beta/models/gemini-embedding-001:embedContent", "gemini-generate embeddings billed"],
    ["POST", "/v1beta/models/gemini-embedding-001:batchEmbedContents", "gemini-generate embeddings billed"],
    ["POST", "/v1beta/models/imagen-4:predict", "gemini-generate images billed"],
    ["POST", "/v1beta/models/veo-3:predictLongRunning", "gemini-generate other"],
    ["OPTIONS", "/v1beta/models/gemini-2.5-flash:generateContent", "gemini-generate generate"],
    ["GET", "/v1beta/models", "gemini-generate models"],
    ["GET", "/v1beta/models/gemini-2.5-flash", "gemini-generate models"],
    ["POST", "/v1beta/openai/chat/completions", "openai-chat chat billed"],
    ["GET", "/v1beta/openai/models", "openai-models models"],
    ["GET", "/v1beta/files", "other other"],
    ["POST", "/v1/moderations", "other other"],
    ["POST", "/v1/chat/completionsx", "other other"],
    ["POST", "/v1/messagesx", "other other"],
    ["GET", "/v1", "other other"],
    ["GET", "/v1beta", "other other"],
    ["GET", "/v10/models", undefined],
    ["GET", "/v1betamax", undefined],
    ["GET", "/metrics", undefined],
    ["GET", "//v1/models", undefined],
    ["GET", "/", undefined],
    ["GET", "", undefined],
  ])("%s %s is %s", (method, path, expected) => {
    expect(said(method, path)).toBe(expected);
  });

  it("reads Gemini's model and streaming from the path", () => {
    expect(recognise("POST", "/v1beta/models/gemini-2.5-pro:streamGenerateContent")).toMatchObject({
      model: "gemini-2.5-pro",
      streaming: true,
    });
    expect(recognise("POST", "/v1beta/models/vendor%2Fmodel%3A1:generateContent")).toMatchObject({
      model: "vendor/model:1",
      streaming: false,
    });
    expect(recognise("POST", "/v1beta/models/%E4:generateContent")?.model).toBe("%E4");
    expect(recognise("POST", `/v1beta/models/${"x".repeat(5000)}:generateContent`)?.model).toHaveLength(256);
  });

  it("makes no garbage for known paths", () => {
    for (const path of [
      "/v1/chat/completions",
      "/v1/messages",
      "/v1/models/a",
      "/v1/responses/x",
      "/v1/files",
    ]) {
      expect(recognise("POST", path)).toBe(recognise("POST", path));
    }
  });

  it("knows each dialect once", () => {
    expect(new Set(dialects.map(({ name }) => name)).size).toBe(dialects.length);
  });
});

/** Members that dialects look at, with values of the wrong type as often as not. */
const key = fc.constantFrom(
  ..."usage usageMetadata choices delta message content text model service_tier error response type output".split(
    " ",
  ),
  ..."prompt_tokens completion_tokens input_tokens output_tokens prompt_tokens_details cached_tokens".split(
    " ",
  ),
  ..."output_tokens_details reasoning_tokens total_tokens cache_creation cache_creation_input_tokens".split(
    " ",
  ),
  ..."cache_read_input_tokens ephemeral_1h_input_tokens ephemeral_5m_input_tokens seconds duration data".split(
    " ",
  ),
  ..."promptTokenCount candidatesTokenCount thoughtsTokenCount promptTokensDetails modality tokenCount".split(
    " ",
  ),
  ..."candidates parts functionCall args tool_calls function content_block input name n size audio form".split(
    " ",
  ),
  ..."messages contents instructions tools max_tokens generationConfig stream stream_options parameters".split(
    " ",
  ),
);
const word = fc.constantFrom(
  "duration",
  "message_start",
  "message_delta",
  "content_block_delta",
  "x.delta",
  "AUDIO",
  "",
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      word,
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant("12"),
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  ),
}));

describe("every dialect", () => {
  it.each(dialects.map((dialect) => [dialect.name, dialect] as const))(
    "%s survives any JSON",
    (_name, dialect) => {
      const operation = { dialect, endpoint: "other", billable: true } as const;
      fc.assert(
        fc.property(value, value, word, fc.dictionary(key, fc.string()), (first, second, event, form) => {
          let output = "";
          const reading: Reading = {
            quantities: {},
            reported: false,
            model: "",
            serviceTier: "",
            outputSeen: false,
            complete: false,
            failed: false,
            text: { add: (piece) => (output += piece) },
          };
          dialect.readEvent(event, first, reading);
          dialect.readBody(second, reading);
          for (const amount of Object.values(reading.quantities)) {
            expect(Number.isSafeInteger(amount) && amount >= 0).toBe(true);
          }
          expect(typeof reading.model).toBe("string");
          expect(typeof output).toBe("string");
          for (const body of [
            { json: first, form: undefined },
            { json: undefined, form: new Map(Object.entries(form)) },
            { json: undefined, form: undefined },
          ]) {
            const facts = dialect.facts(operation, body);
            expect(typeof facts.model).toBe("string");
            expect(typeof facts.streaming).toBe("boolean");
            expect(typeof dialect.promptText(body)).toBe("string");
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});
