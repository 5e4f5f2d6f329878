/**
 * Anthropic messages: `POST /v1/messages`. `input_tokens` excludes what was read from and written to the
 * cache, so total input is the sum of the three. Streams report usage in `message_start` and then,
 * cumulative, in `message_delta`, which may repeat all of it or only what has changed.
 */
import { count, type Quantities } from "../../core/quantities.ts";
import type { Dialect, Operation, Reading, RequestBody, RequestFacts, RequestTraits } from "../dialect.ts";
import {
  effortOfTokens,
  type Fields,
  fields,
  items,
  name,
  put,
  readError,
  readNames,
  readOutput,
  sum,
  tellsBothHalves,
  text,
} from "./fields.ts";
import { contentText, hasPart, isUnder, operationPair, TextCollector } from "./openai-request.ts";

const ROOT = "/v1/messages";

export const anthropicMessages: Dialect = {
  name: "anthropic-messages",
  family: "anthropic",
  countsTokens: true,
  usageKeys: ["usage"],
  factKeys: new Set(["model", "stream", "max_tokens", "service_tier"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    return method === "POST" && path.length === ROOT.length ? operations.billed : operations.free;
  },

  facts(_operation: Operation, body: RequestBody): RequestFacts {
    const json = fields(body.json);
    const limit = count(json.max_tokens);
    const serviceTier = name(json.service_tier);
    return {
      model: name(json.model),
      streaming: json.stream === true,
      ...(limit !== undefined && { maxOutputTokens: limit }),
      ...(serviceTier !== "" && { serviceTier }),
    };
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    reading.complete = true;
    if (answer.type === "error") reading.failed = true;
    else readError(answer.error, reading);
    readMessage(answer, reading);
    if (tellsBothHalves(reading.quantities)) return;
    for (const block of items(answer.content)) readBlock(fields(block), reading);
  },

  readEvent(eventName: string, data: unknown, reading: Reading): void {
    const event = fields(data);
    switch (text(event.type) || eventName) {
      case "content_block_delta":
        readDelta(fields(event.delta), reading);
        break;
      case "content_block_start":
        readBlock(fields(event.content_block), reading);
        break;
      case "message_start":
        readMessage(fields(event.message), reading);
        break;
      case "message_delta":
        readUsage(event.usage, reading);
        if (text(fields(event.delta).stop_reason) !== "") reading.complete = true;
        break;
      case "message_stop":
        reading.complete = true;
        break;
      case "error":
        reading.failed = true;
        break;
      default:
        // `ping`, `content_block_stop`, and an error that lost its type.
        readError(event.error, reading);
    }
  },

  traits(body: RequestBody): RequestTraits {
    const json = fields(body.json);
    const output = fields(json.output_config);
    const format = fields(output.format ?? json.output_format);
    return {
      tools: items(json.tools).length > 0,
      images: hasPart(json.messages, IMAGE_PARTS),
      json: format.type === "json_schema",
      effort: name(output.effort) || thinkingEffort(fields(json.thinking)),
      user: name(fields(json.metadata).user_id),
    };
  },

  userTexts(body: RequestBody): readonly string[] {
    const messages = items(fields(body.json).messages).map(fields);
    return messages
      .filter(({ role }) => role === "user")
      .map(({ content }) => contentText(textBlocks(content)))
      .filter((written) => written !== "");
  },

  promptText(body: RequestBody): string {
    const json = fields(body.json);
    const collector = new TextCollector();
    collector.addContent(json.system);
    for (const item of items(json.messages)) {
      const { content } = fields(item);
      collector.addContent(content);
      for (const block of items(content)) collector.addJson(fields(block).input);
    }
    collector.addJson(json.tools);
    return collector.toString();
  },
};

const IMAGE_PARTS: ReadonlySet<string> = new Set(["image"]);

/** What tools answered also comes in messages of the user; it is not what the user wrote. */
function textBlocks(content: unknown): unknown {
  return Array.isArray(content) ? content.filter((block) => fields(block).type === "text") : content;
}

/** Thinking is asked for by a number of tokens where no effort is named. */
function thinkingEffort({ type, budget_tokens: budget }: Fields): string {
  if (type === "disabled") return "none";
  return type === "enabled" || type === "adaptive" ? effortOfTokens(count(budget)) : "";
}

const operations = operationPair({ dialect: anthropicMessages, endpoint: "messages" });

/** A message object. */
function readMessage(message: Fields, reading: Reading): void {
  readNames(message.model, undefined, reading);
  readUsage(message.usage, reading);
}

/** Reads usage over what was read before: what it leaves out stays as it was. */
function readUsage(value: unknown, reading: Reading): void {
  const usage = fields(value);
  const { quantities } = reading;
  readNames(undefined, usage.service_tier, reading);
  const before = uncachedInput(quantities);
  const uncached = count(usage.input_tokens);
  const read = put(quantities, "cachedInputTokens", usage.cache_read_input_tokens);
  const written = putCacheWrites(quantities, usage);
  const input = uncached !== undefined || read || written;
  if (input) quantities.inputTokens = sum(uncached ?? before, cached(quantities));
  const output = put(quantities, "outputTokens", usage.output_tokens);
  put(quantities, "reasoningTokens", fields(usage.output_tokens_details).thinking_tokens);
  if (input || output) reading.reported = true;
}

/** Splits cache writes by how long they last; what has no stated duration lasts five minutes. */
function putCacheWrites(quantities: Quantities, usage: Fields): boolean {
  const total = count(usage.cache_creation_input_tokens);
  const split = fields(usage.cache_creation);
  const short = count(split.ephemeral_5m_input_tokens);
  const long = count(split.ephemeral_1h_input_tokens);
  if (total === undefined && short === undefined && long === undefined) return false;
  // A cumulative report may repeat the sum without the split.
  const hour = long ?? Math.min(quantities.cacheWrite1hTokens ?? 0, total ?? 0);
  quantities.cacheWrite1hTokens = hour;
  quantities.cacheWrite5mTokens = Math.max(short ?? 0, (total ?? 0) - hour);
  return true;
}

function cached(quantities: Quantities): number {
  const { cachedInputTokens = 0, cacheWrite5mTokens = 0, cacheWrite1hTokens = 0 } = quantities;
  return sum(cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens);
}

function uncachedInput(quantities: Quantities): number {
  return (quantities.inputTokens ?? 0) - cached(quantities);
}

function readDelta(delta: Fields, reading: Reading): void {
  readOutput(delta.text, reading);
  readOutput(delta.thinking, reading);
  readOutput(delta.partial_json, reading);
}

/** A content block, whole or at its start. */
function readBlock(block: Fields, reading: Reading): void {
  readOutput(block.text, reading);
  readOutput(block.thinking, reading);
  // A call of a tool begins with its name; redacted thinking and results have no text.
  readOutput(block.name, reading);
  const type = text(block.type);
  if (type !== "" && type !== "text" && type !== "thinking") reading.outputSeen = true;
  if (hasMembers(block.input)) readOutput(JSON.stringify(block.input), reading);
}

function hasMembers(value: unknown): boolean {
  return Object.keys(fields(value)).length > 0;
}
