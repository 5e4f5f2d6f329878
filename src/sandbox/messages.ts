/** `POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's API. */
import type { Quantities } from "../core/quantities.ts";
import { type Answer, answeredModel, type Call, jsonAnswer, modelFor, type StreamEvent } from "./call.ts";
import { badField, errorBody, errorOfStatus } from "./errors.ts";
import { isObject, type JsonObject, list, object, positive, string, textOf } from "./json.ts";
import type { Model } from "./models.ts";
import { idFrom } from "./random.ts";
import { type Ask, type Turn, takeTurn } from "./turn.ts";

/** Answers a messages request. @throws ApiError */
export function messages(call: Call): Answer {
  const { json } = call;
  const model = modelFor(call, json.model, "text");
  const maxTokens = positive(json.max_tokens);
  if (maxTokens === undefined) throw badField("max_tokens", "is required, a positive number");
  const ask = askOf(json, model, maxTokens);
  const turn = takeTurn(call, ask);
  const used = quantities(turn, turn.output);
  const wire = new MessagesWire(call, model, turn);
  if (json.stream === true) {
    return {
      status: 200,
      contentType: "text/event-stream; charset=utf-8",
      content: {
        framing: "sse",
        events: wire.events(call.knobs.usage ?? "normal"),
        error: overloaded(),
        done: false,
      },
      model,
      used,
    };
  }
  if (call.knobs.usage === "none") return jsonAnswer(wire.message(undefined), { model, used });
  return jsonAnswer(wire.message(usageOf(turn, turn.output)), { model, used, reported: used });
}

/** Counts the input of a messages request. @throws ApiError */
export function countTokens(call: Call): Answer {
  const model = modelFor(call, call.json.model, "text");
  const turn = takeTurn(call, askOf(call.json, model, 1));
  return jsonAnswer({ input_tokens: turn.input }, { model });
}

function askOf(json: JsonObject, model: Model, maxTokens: number): Ask {
  const spoken = list(json.messages);
  if (spoken.length === 0) throw badField("messages", "must be a non-empty array");
  if (!spoken.every((message) => isObject(message) && typeof message.role === "string")) {
    throw badField("messages", "must be objects with a role");
  }
  const tools = list(json.tools).map(object);
  const last = object(spoken.at(-1)).content;
  const answersTool = list(last).some((block) => object(block).type === "tool_result");
  return {
    model,
    prompt: textOf([json.system, spoken]),
    lastWord: answersTool ? "" : textOf(last),
    maxTokens,
    tools: tools.map((tool) => ({ name: string(tool.name), schema: tool.input_schema ?? {} })),
    toolChoice: toolChoiceOf(object(json.tool_choice)),
    schema: schemaOf(json),
    stops: list(json.stop_sequences).map(string),
    thinks: ["enabled", "adaptive"].includes(string(object(json.thinking).type)),
    cacheFor: cacheFor(json),
  };
}

function toolChoiceOf(choice: JsonObject): Ask["toolChoice"] {
  if (choice.type === "any") return "required";
  if (choice.type === "tool") return { name: string(choice.name) };
  return choice.type === "none" ? "none" : "auto";
}

function schemaOf(json: JsonObject): unknown {
  const format = object(object(json.output_config).format ?? json.output_format);
  return format.type === "json_schema" ? (format.schema ?? {}) : undefined;
}

/** How long the prompt's marked parts are kept in the cache; undefined when none is marked. */
function cacheFor(json: JsonObject): "5m" | "1h" | undefined {
  const text = JSON.stringify([json.system, json.messages, json.tools, json.cache_control]);
  if (!text.includes('"ephemeral"')) return undefined;
  return text.includes('"ttl":"1h"') ? "1h" : "5m";
}

function quantities(turn: Turn, output: number): Quantities {
  return {
    inputTokens: turn.input,
    cachedInputTokens: turn.cached,
    cacheWrite5mTokens: turn.cacheWrite5m,
    cacheWrite1hTokens: turn.cacheWrite1h,
    outputTokens: output,
    reasoningTokens: Math.min(turn.reasoning, output),
  };
}

/** Usage as reported: `input_tokens` is what neither came from the cache nor went into it. */
function usageOf(turn: Turn, output: number): JsonObject {
  return {
    input_tokens: turn.input - turn.cached - turn.cacheWrite5m - turn.cacheWrite1h,
    cache_creation_input_tokens: turn.cacheWrite5m + turn.cacheWrite1h,
    cache_read_input_tokens: turn.cached,
    cache_creation: {
      ephemeral_5m_input_tokens: turn.cacheWrite5m,
      ephemeral_1h_input_tokens: turn.cacheWrite1h,
    },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: Math.min(turn.reasoning, output) },
    server_tool_use: null,
    service_tier: "standard",
  };
}

function overloaded(): StreamEvent {
  return {
    name: "error",
    data: JSON.stringify(errorBody("anthropic", errorOfStatus(529), "req_sandbox")),
    tokens: 0,
  };
}

const stopReasons = {
  stop: "end_turn",
  sequence: "stop_sequence",
  length: "max_tokens",
  tools: "tool_use",
} as const;

interface Block {
  readonly start: JsonObject;
  readonly whole: JsonObject;
  readonly deltas: readonly JsonObject[];
  /** Follows the deltas and brings no tokens. */
  readonly closing?: JsonObject;
}

/** Writes a turn as a message. */
class MessagesWire {
  readonly #turn: Turn;
  readonly #head: JsonObject;
  readonly #blocks: readonly Block[];

  constructor(call: Call, model: Model, turn: Turn) {
    this.#turn = turn;
    this.#head = {
      id: `msg_${idFrom(turn.seed, 24)}`,
      type: "message",
      role: "assistant",
      model: answeredModel(call, model),
    };
    this.#blocks = [...thinkingBlock(turn), ...textBlock(turn), ...toolBlocks(turn)];
  }

  message(usage: JsonObject | undefined): JsonObject {
    return {
      ...this.#head,
      content: this.#blocks.map((block) => block.whole),
      stop_reason: stopReasons[this.#turn.finish],
      stop_sequence: this.#turn.stop,
      ...(usage === undefined ? {} : { usage }),
    };
  }

  *events(usage: "normal" | "none" | "last-chunk" | "every-chunk"): Generator<StreamEvent> {
    const turn = this.#turn;
    const empty = { ...this.#head, content: [], stop_reason: null, stop_sequence: null };
    const starts = usage === "normal" || usage === "every-chunk";
    const first = { type: "message_start", message: starts ? { ...empty, usage: usageOf(turn, 1) } : empty };
    yield starts ? { ...event(first), reported: quantities(turn, Math.min(1, turn.output)) } : event(first);
    yield event({ type: "ping" });
    let sent = 0;
    for (const [index, block] of this.#blocks.entries()) {
      yield event({ type: "content_block_start", index, content_block: block.start });
      for (const delta of block.deltas) {
        yield event({ type: "content_block_delta", index, delta }, 1);
        sent++;
        if (usage === "every-chunk") {
          const cumulative = { type: "message_delta", delta: {}, usage: { output_tokens: sent } };
          yield { ...event(cumulative), reported: quantities(turn, sent) };
        }
      }
      if (block.closing !== undefined) {
        yield event({ type: "content_block_delta", index, delta: block.closing });
      }
      yield event({ type: "content_block_stop", index });
    }
    const delta = { stop_reason: stopReasons[turn.finish], stop_sequence: turn.stop };
    const last = { type: "message_delta", delta };
    yield usage === "none"
      ? event(last)
      : { ...event({ ...last, usage: usageOf(turn, turn.output) }), reported: quantities(turn, turn.output) };
    yield event({ type: "message_stop" });
  }
}

function event(data: JsonObject, tokens = 0): StreamEvent {
  return { name: string(data.type), data: JSON.stringify(data), tokens };
}

function thinkingBlock(turn: Turn): readonly Block[] {
  if (turn.thoughts.length === 0) return [];
  const signature = Buffer.from(idFrom(turn.seed, 48)).toString("base64");
  return [
    {
      start: { type: "thinking", thinking: "", signature: "" },
      whole: { type: "thinking", thinking: turn.thoughts.join(""), signature },
      deltas: turn.thoughts.map((thinking) => ({ type: "thinking_delta", thinking })),
      closing: { type: "signature_delta", signature },
    },
  ];
}

function textBlock(turn: Turn): readonly Block[] {
  if (turn.pieces.length === 0) return [];
  return [
    {
      start: { type: "text", text: "" },
      whole: { type: "text", text: turn.pieces.join("") },
      deltas: turn.pieces.map((text) => ({ type: "text_delta", text })),
    },
  ];
}

function toolBlocks(turn: Turn): readonly Block[] {
  return turn.tools.map((tool) => {
    const described = { type: "tool_use", id: `toolu_${tool.id}`, name: tool.name };
    return {
      start: { ...described, input: {} },
      whole: { ...described, input: JSON.parse(tool.pieces.join("")) as unknown },
      deltas: tool.pieces.map((piece) => ({ type: "input_json_delta", partial_json: piece })),
    };
  });
}
