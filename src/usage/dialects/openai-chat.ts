/**
 * OpenAI chat completions: `POST /v1/chat/completions`, the API that most relays and vendors imitate.
 * Usage comes in the body, or in a last chunk of the stream when the request asks for it; some relays
 * send it in the last content chunk or, cumulative, in every chunk.
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
} from "./fields.ts";
import {
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

const ROOT = "/v1/chat/completions";

export const openAiChat: Dialect = {
  name: "openai-chat",
  family: "openai",
  countsTokens: true,
  usageOnRequest: true,
  usageKeys: ["usage", "service_tier"],
  factKeys: new Set([...OPENAI_FACT_KEYS, "max_completion_tokens", "max_tokens"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    return method === "POST" && path.length === ROOT.length ? operations.billed : operations.free;
  },

  facts(_operation: Operation, body: RequestBody): RequestFacts {
    const json = fields(body.json);
    return openAiFacts(json, count(json.max_completion_tokens) ?? count(json.max_tokens));
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    readNames(answer.model, answer.service_tier, reading);
    readError(answer.error, reading);
    reading.complete = true;
    readUsage(answer, reading);
    if (tellsBothHalves(reading.quantities)) return;
    for (const choice of items(answer.choices)) readPiece(fields(fields(choice).message), reading);
  },

  readEvent(_name: string, data: unknown, reading: Reading): void {
    const chunk = fields(data);
    readNames(chunk.model, chunk.service_tier, reading);
    readError(chunk.error, reading);
    for (const item of items(chunk.choices)) {
      const choice = fields(item);
      readPiece(fields(choice.delta), reading);
      // Another choice may go on after this one has finished.
      reading.complete = typeof choice.finish_reason === "string" && choice.finish_reason !== "";
    }
    readUsage(chunk, reading);
  },

  traits(body: RequestBody): RequestTraits {
    const json = fields(body.json);
    return {
      tools: items(json.tools ?? json.functions).length > 0,
      images: hasPart(json.messages, IMAGE_PARTS),
      json: wantsJson(json.response_format),
      effort: name(json.reasoning_effort),
      user: name(json.safety_identifier) || name(json.user),
    };
  },

  userTexts(body: RequestBody): readonly string[] {
    const messages = items(fields(body.json).messages).map(fields);
    return messages.filter(({ role }) => role === "user").map(({ content }) => contentText(content));
  },

  promptText(body: RequestBody): string {
    const json = fields(body.json);
    const collector = new TextCollector();
    for (const item of items(json.messages)) {
      const message = fields(item);
      collector.addContent(message.content);
      for (const call of items(message.tool_calls)) collector.add(fields(fields(call).function).arguments);
    }
    collector.addJson(json.tools ?? json.functions);
    collector.addJson(json.response_format);
    return collector.toString();
  },
};

const IMAGE_PARTS: ReadonlySet<string> = new Set(["image_url"]);

const operations = operationPair({ dialect: openAiChat, endpoint: "chat" });

/** Some relays put usage into the last choice instead of beside the choices. */
function readUsage(answer: Fields, reading: Reading): void {
  readOpenAiUsage(answer.usage ?? fields(items(answer.choices)[0]).usage, reading);
}

/** A message, or the delta of one. */
function readPiece(piece: Fields, reading: Reading): void {
  const { content } = piece;
  if (typeof content === "string") readOutput(content, reading);
  else if (content !== null && content !== undefined) readParts(content, reading);
  // Two names for the same thing; relays that send both repeat the text.
  if (!readOutput(piece.reasoning_content, reading)) readOutput(piece.reasoning, reading);
  readOutput(piece.refusal, reading);
  if (piece.tool_calls !== undefined) {
    for (const call of items(piece.tool_calls)) {
      const { function: called, custom } = fields(call);
      readCall(fields(called ?? custom), reading);
    }
  }
  if (piece.function_call !== undefined) readCall(fields(piece.function_call), reading);
  if (piece.audio !== undefined) {
    const { data, transcript } = fields(piece.audio);
    if (typeof data === "string" && data !== "") reading.outputSeen = true;
    readOutput(transcript, reading);
  }
}

function readCall(call: Fields, reading: Reading): void {
  readOutput(call.name, reading);
  readOutput(call.arguments ?? call.input, reading);
}

/** Content in parts, as some vendors send it when the model thinks. */
function readParts(content: unknown, reading: Reading): void {
  for (const item of items(content)) {
    const part = fields(item);
    readOutput(part.text, reading);
    if (typeof part.thinking === "string") readOutput(part.thinking, reading);
    else readParts(part.thinking, reading);
  }
}
