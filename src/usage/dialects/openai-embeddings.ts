/** OpenAI embeddings: `POST /v1/embeddings`. Input only: `usage{prompt_tokens, total_tokens}`. */
import type { Dialect, Operation, Reading, RequestBody, RequestFacts } from "../dialect.ts";
import { fields, name, readError, readNames } from "./fields.ts";
import { isUnder, operationPair, TextCollector } from "./openai-request.ts";
import { readOpenAiUsage } from "./openai-usage.ts";

const ROOT = "/v1/embeddings";

export const openAiEmbeddings: Dialect = {
  name: "openai-embeddings",
  family: "openai",
  countsTokens: true,
  // Both stand behind the vectors, out of sight of a look at the answer's beginning.
  usageKeys: ["usage", "model"],
  factKeys: new Set(["model"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    return method === "POST" && path.length === ROOT.length ? operations.billed : operations.free;
  },

  facts(_operation: Operation, body: RequestBody): RequestFacts {
    return { model: name(fields(body.json).model), streaming: false };
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    readNames(answer.model, undefined, reading);
    readError(answer.error, reading);
    readOpenAiUsage(answer.usage, reading);
    reading.complete = true;
  },

  readEvent(): void {
    // Embeddings are never streamed.
  },

  promptText(body: RequestBody): string {
    const collector = new TextCollector();
    collector.addContent(fields(body.json).input);
    return collector.toString();
  },
};

const operations = operationPair({ dialect: openAiEmbeddings, endpoint: "embeddings" });
