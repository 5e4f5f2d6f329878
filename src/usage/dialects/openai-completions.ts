/** OpenAI's legacy completions: `POST /v1/completions`, a prompt instead of messages, otherwise like chat. */
import { count } from "../../core/quantities.ts";
import type { Dialect, Operation, Reading, RequestBody, RequestFacts } from "../dialect.ts";
import { type Fields, fields, items, readError, readNames, readOutput, tellsBothHalves } from "./fields.ts";
import { isUnder, OPENAI_FACT_KEYS, openAiFacts, operationPair, TextCollector } from "./openai-request.ts";
import { readOpenAiUsage } from "./openai-usage.ts";

const ROOT = "/v1/completions";

export const openAiCompletions: Dialect = {
  name: "openai-completions",
  family: "openai",
  countsTokens: true,
  usageOnRequest: true,
  usageKeys: ["usage", "service_tier"],
  factKeys: new Set([...OPENAI_FACT_KEYS, "max_tokens", "max_completion_tokens"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    return method === "POST" && path.length === ROOT.length ? operations.billed : operations.free;
  },

  facts(_operation: Operation, body: RequestBody): RequestFacts {
    const json = fields(body.json);
    return openAiFacts(json, count(json.max_tokens) ?? count(json.max_completion_tokens));
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    readNames(answer.model, answer.service_tier, reading);
    readError(answer.error, reading);
    reading.complete = true;
    readOpenAiUsage(answer.usage, reading);
    if (!tellsBothHalves(reading.quantities)) readChoices(answer, reading);
  },

  readEvent(_name: string, data: unknown, reading: Reading): void {
    const chunk = fields(data);
    readNames(chunk.model, chunk.service_tier, reading);
    readError(chunk.error, reading);
    readChoices(chunk, reading);
    readOpenAiUsage(chunk.usage, reading);
  },

  promptText(body: RequestBody): string {
    const json = fields(body.json);
    const collector = new TextCollector();
    collector.addContent(json.prompt);
    collector.add(json.suffix);
    return collector.toString();
  },
};

const operations = operationPair({ dialect: openAiCompletions, endpoint: "completions" });

function readChoices(answer: Fields, reading: Reading): void {
  for (const item of items(answer.choices)) {
    const choice = fields(item);
    readOutput(choice.text, reading);
    reading.complete = typeof choice.finish_reason === "string" && choice.finish_reason !== "";
  }
}
