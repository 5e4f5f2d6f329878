/** What is metered does not depend on how TCP cut an answer, how its lines end or how it is compressed. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Answer } from "../../src/gateway/answer.ts";
import { AnswerHead } from "../../src/gateway/request-head.ts";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import { recognise } from "../../src/usage/dialects/index.ts";
import { cutting } from "../helpers/arbitrary-http.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";

const ask = "Who leads the flock? 谁领着羊群？ Grüße 🐑";
const messages = [{ role: "user", content: ask }];
const gemini = {
  contents: [{ role: "user", parts: [{ text: ask }] }],
  generationConfig: { maxOutputTokens: 6 },
};
const chat = { model: "gpt-4.1", messages, max_tokens: 6 };

/** One call of each kind of answer; the sandbox's text holds characters of two, three and four bytes. */
const calls: Readonly<Record<string, readonly [path: string, body: object]>> = {
  chat: ["/v1/chat/completions", chat],
  "a chat stream": ["/v1/chat/completions", { ...chat, stream: true }],
  "a chat stream whose client asks for usage": [
    "/v1/chat/completions",
    { ...chat, stream: true, stream_options: { include_usage: true } },
  ],
  "a completion stream": [
    "/v1/completions",
    { model: "gpt-3.5-turbo-instruct", prompt: ask, stream: true, max_tokens: 6 },
  ],
  responses: ["/v1/responses", { model: "gpt-4.1", input: ask, max_output_tokens: 6 }],
  "a responses stream": [
    "/v1/responses",
    { model: "gpt-4.1", input: ask, stream: true, max_output_tokens: 6 },
  ],
  messages: ["/v1/messages", { model: "claude-sonnet-4.5", max_tokens: 6, messages }],
  "a messages stream": [
    "/v1/messages",
    { model: "claude-sonnet-4.5", max_tokens: 6, messages, stream: true },
  ],
  gemini: ["/v1beta/models/gemini-2.5-flash:generateContent", gemini],
  "a gemini stream": ["/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", gemini],
  "a gemini stream that is an array": ["/v1beta/models/gemini-2.5-flash:streamGenerateContent", gemini],
  embeddings: ["/v1/embeddings", { model: "text-embedding-3-small", input: ask, dimensions: 16 }],
};

const headers = {
  authorization: `Bearer ${SANDBOX_KEY}`,
  "x-api-key": SANDBOX_KEY,
  "x-goog-api-key": SANDBOX_KEY,
  "content-type": "application/json",
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const post = (origin: string, [path, body]: readonly [string, object], knobs = ""): Promise<Response> =>
  fetch(origin + path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...headers, ...(knobs !== "" && { "x-sandbox": knobs }) },
  });

const FIGURES =
  /^bellwether_(\w*tokens_total|usage_records_total|cost_usd_total|list_cost_usd_total|requests_total)\{/;

/** What one call through the gateway adds to the figures. */
async function metered(call: readonly [string, object], knobs: string): Promise<Record<string, number>> {
  const before = await gateway.samples();
  await (await post(gateway.url, call, knobs)).arrayBuffer();
  await gateway.quiet();
  const added: Record<string, number> = {};
  for (const [series, value] of await gateway.samples()) {
    const more = value - (before.get(series) ?? 0);
    if (FIGURES.test(series) && more > 0) added[series] = Number(more.toFixed(9));
  }
  return added;
}

/** Each of the sandbox's ways to write an answer at least once, in few calls. */
const WAYS = [
  ...["cut=1", "cut=random; openEnd", "cut=utf8; comments; eol=crlf", "cut=1; comments; eol=crlf"],
  ...["encoding=gzip; cut=1", "encoding=br; eol=crlf", "encoding=deflate; cut=7"],
];

describe("the figures of a call", () => {
  it.each(Object.entries(calls))("are the same however its answer was written: %s", async (_, call) => {
    const uncut = await metered(call, "");
    expect(Object.keys(uncut).filter((series) => series.includes('source="reported"'))).toHaveLength(1);
    for (const knobs of WAYS) {
      expect(await metered(call, knobs), knobs).toEqual(uncut);
    }
  });
});

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
};

interface Whole {
  readonly path: string;
  readonly status: number;
  readonly type: string;
  readonly bytes: Buffer;
}

/** What the gateway makes of an answer that comes in these pieces. */
async function read(whole: Whole, encoding: string, drop: boolean, pieces: readonly Buffer[]) {
  const operation = recognise("POST", whole.path.replace(/\?.*/, ""));
  if (operation === undefined) throw new Error(`no operation: ${whole.path}`);
  const relayed: Uint8Array[] = [];
  const head = new AnswerHead(["content-type", whole.type, "content-encoding", encoding]);
  const options = { operation, dropUsageChunk: drop, now: () => 0 };
  return new Promise<object>((resolve) => {
    const answer = new Answer(whole.status, head, options, {
      output(bytes) {
        // The bytes are the receiver's to keep: the splitter must not write to them again.
        if (bytes.length > 0) relayed.push(bytes);
        return true;
      },
      more: () => undefined,
      undecodable: () => resolve({ undecodable: true }),
      answerRead() {
        const { reading, malformed, text } = answer.meter;
        const sample = [text.totalCharacters, text.text];
        resolve({ ...reading, text: sample, malformed, relayed: Buffer.concat(relayed).toString("base64") });
      },
    });
    for (const piece of pieces) answer.push(piece);
    answer.finish();
  });
}

describe("the meter's reading", () => {
  const shapes = ["", "comments; eol=crlf", "openEnd; usage=every-chunk", "usage=none"];

  it.each(Object.entries(calls))("is the same wherever the bytes were cut: %s", async (_, call) => {
    for (const knobs of shapes) {
      const response = await post(gateway.sandbox.url, call, knobs);
      const bytes = Buffer.from(await response.arrayBuffer());
      const whole = {
        path: call[0],
        status: response.status,
        type: response.headers.get("content-type") ?? "",
        bytes,
      };
      for (const [encoding, encode] of Object.entries(encoders)) {
        const sent = encode(bytes);
        for (const drop of [false, true]) {
          const expected = await read(whole, encoding, drop, [sent]);
          const oneByOne = Array.from(sent, (_, at) => sent.subarray(at, at + 1));
          expect(await read(whole, encoding, drop, oneByOne)).toEqual(expected);
          const property = fc.asyncProperty(cutting(20), async (cut) => {
            expect(await read(whole, encoding, drop, cut(sent))).toEqual(expected);
          });
          await fc.assert(property, { numRuns: encoding === "identity" ? 20 : 3 });
        }
      }
    }
  });
});
