/**
 * OpenAI responses: `POST /v1/responses`. Streams are typed events; the last one
 * (`response.completed`, `.incomplete` or `.failed`) carries the whole response with its usage.
 * Reading a stored response again reports its usage again, so only creating one is billable.
 */
import { count } from "../../core/quantities.ts";
import type { Dialect, Operation, Reading, RequestBody, RequestFacts, RequestTraits } from "../dialect.ts";
import {
  type Fields,
  fields,
  items,
  name,
  readError,
  readNames,
  readOutput,
  tellsBothHalves,
  text,
} from "./fields.ts";
import {
  below,
  contentText,
  hasPart,
  isUnder,
  OPENAI_FACT_KEYS,
  openAiFacts,
  operationPair,
  TextCollector,
  wantsJson,
} from "./openai-request.ts";
import { readOpenAiUsage } from "./openai-usage.ts";

const ROOT = "/v1/responses";

export const openAiResponses: Dialect = {
  name: "openai-responses",
  family: "openai",
  countsTokens: true,
  usageKeys: ["usage", "service_tier"],
  factKeys: new Set([...OPENAI_FACT_KEYS, "max_output_tokens"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    const rest = below(path, ROOT);
    return method === "POST" && (rest === "" || rest === "/compact") ? operations.billed : operations.free;
  },

  facts(_operation: Operation, body: RequestBody): RequestFacts {
    const json = fields(body.json);
    return openAiFacts(json, count(json.max_output_tokens));
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    reading.complete = true;
    readResponse(answer, reading);
    if (!tellsBothHalves(reading.quantities)) readItems(answer, reading);
  },

  readEvent(name: string, data: unknown, reading: Reading): void {
    const event = fields(data);
    const type = text(event.type) || name;
    if (type.endsWith(".delta")) {
      readDelta(type, event.delta, reading);
    } else if (type.endsWith(".partial_image")) {
      reading.outputSeen = true;
    } else if (type === "response.output_item.added") {
      // A call of a tool begins with its name, before its arguments.
      readOutput(fields(event.item).name, reading);
    } else if (event.response !== undefined) {
      readResponse(fields(event.response), reading);
      if (endings.has(type)) reading.complete = true;
    }
    if (type === "error") reading.failed = true;
    else readError(event.error, reading);
  },

  traits(body: RequestBody): RequestTraits {
    const json = fields(body.json);
    return {
      tools: items(json.tools).length > 0,
      images: hasPart(json.input, IMAGE_PARTS),
      json: wantsJson(fields(json.text).format),
      effort: name(fields(json.reasoning).effort),
      user: name(json.safety_identifier) || name(json.user),
    };
  },

  userTexts(body: RequestBody): readonly string[] {
    const { input } = fields(body.json);
    if (typeof input === "string") return [input];
    const messages = items(input).map(fields);
    return messages.filter(({ role }) => role === "user").map(({ content }) => contentText(content));
  },

  promptText(body: RequestBody): string {
    const json = fields(body.json);
    const collector = new TextCollector();
    collector.add(json.instructions);
    collector.add(json.input);
    for (const item of items(json.input)) {
      const { content, output, arguments: argument } = fields(item);
      collector.addContent(content);
      collector.addContent(output);
      collector.add(argument);
    }
    collector.addJson(json.tools);
    collector.addJson(json.text);
    return collector.toString();
  },
};

const IMAGE_PARTS: ReadonlySet<string> = new Set(["input_image"]);

const operations = operationPair({ dialect: openAiResponses, endpoint: "responses" });

const endings: ReadonlySet<string> = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
]);

/** A response object, whole or in the making. */
function readResponse(response: Fields, reading: Reading): void {
  readNames(response.model, response.service_tier, reading);
  readError(response.error, reading);
  if (response.status === "failed") reading.failed = true;
  readOpenAiUsage(response.usage, reading);
}

function readDelta(type: string, delta: unknown, reading: Reading): void {
  if (type.endsWith("audio.delta")) {
    // Base64, not text.
    if (typeof delta === "string" && delta !== "") reading.outputSeen = true;
    return;
  }
  readOutput(delta, reading);
}

/** The text of a whole response's output: messages, reasoning, calls of tools. */
function readItems(response: Fields, reading: Reading): void {
  for (const value of items(response.output)) {
    const item = fields(value);
    readOutput(item.name, reading);
    readOutput(item.arguments ?? item.input, reading);
    for (const part of [...items(item.content), ...items(item.summary)]) {
      const { text: written, refusal } = fields(part);
      readOutput(written, reading);
      readOutput(refusal, reading);
    }
  }
}
