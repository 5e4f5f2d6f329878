/** `POST /v1/chat/completions`: OpenAI's chat, and DeepSeek's by the model. */
import type { Quantities } from "../core/quantities.ts";
import {
  type Answer,
  answeredModel,
  type Call,
  CREATED,
  jsonAnswer,
  modelFor,
  type StreamEvent,
  serviceTier,
} from "./call.ts";
import { badField, errorBody, errorOfStatus } from "./errors.ts";
import { isObject, type JsonObject, list, object, positive, string, textOf } from "./json.ts";
import type { Model } from "./models.ts";
import { idFrom } from "./random.ts";
import { type Ask, quantitiesOf, type Tool, type Turn, takeTurns } from "./turn.ts";

const MOST_CHOICES = 128;
const FINGERPRINT = "fp_sandbox";

/** Answers a chat request. @throws ApiError */
export function chat(call: Call): Answer {
  const { json } = call;
  const model = modelFor(call, json.model, "text");
  const messages = list(json.messages);
  if (messages.length === 0) throw badField("messages", "must be a non-empty array");
  if (!messages.every((message) => isObject(message) && typeof message.role === "string")) {
    throw badField("messages", "must be objects with a role");
  }
  const choices = json.n === undefined || json.n === null ? 1 : positive(json.n);
  if (choices === undefined || choices > MOST_CHOICES) throw badField("n", `must be 1 to ${MOST_CHOICES}`);
  const turns = takeTurns(call, askOf(json, model, messages), choices);
  const wire = new ChatWire(call, model, turns);
  const used = quantitiesOf(turns);
  if (json.stream === true) {
    const usage = call.knobs.usage ?? "normal";
    const asked = object(json.stream_options).include_usage === true;
    return {
      status: 200,
      contentType: "text/event-stream; charset=utf-8",
      content: { framing: "sse", events: wire.events(usage, asked), error: streamError(), done: true },
      model,
      used,
    };
  }
  if (call.knobs.usage === "none") return jsonAnswer(wire.body(undefined), { model, used });
  return jsonAnswer(wire.body(usageOf(used, model)), { model, used, reported: used });
}

/** The usage object as chat and legacy completions report it. */
export function usageOf(used: Quantities, model: Model): JsonObject {
  const input = used.inputTokens ?? 0;
  const cached = used.cachedInputTokens ?? 0;
  const output = used.outputTokens ?? 0;
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: used.reasoningTokens ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
  if (model.maker !== "deepseek") return usage;
  return { ...usage, prompt_cache_hit_tokens: cached, prompt_cache_miss_tokens: input - cached };
}

/** An error inside a stream that began with status 200. */
export function streamError(): StreamEvent {
  return { name: "", data: JSON.stringify(errorBody("openai", errorOfStatus(500), "")), tokens: 0 };
}

/** `stop` may be one text or several. */
export function stopsOf(stop: unknown): readonly string[] {
  return (typeof stop === "string" ? [stop] : list(stop)).filter((item) => typeof item === "string");
}

function askOf(json: JsonObject, model: Model, messages: readonly unknown[]): Ask {
  const last = object(messages.at(-1));
  return {
    model,
    prompt: textOf(messages),
    lastWord: last.role === "tool" || last.role === "function" ? "" : textOf(last.content),
    maxTokens: positive(json.max_completion_tokens) ?? positive(json.max_tokens),
    tools: list(json.tools).map(toolOf),
    toolChoice: toolChoiceOf(json.tool_choice),
    schema: schemaOf(json.response_format),
    stops: stopsOf(json.stop),
    thinks: false,
  };
}

function toolOf(tool: unknown): Tool {
  const described = object(object(tool).function);
  if (typeof described.name !== "string") throw badField("tools", "must be functions with a name");
  return { name: described.name, schema: described.parameters ?? {} };
}

function toolChoiceOf(choice: unknown): Ask["toolChoice"] {
  if (choice === "none" || choice === "required") return choice;
  const name = string(object(object(choice).function).name);
  return name === "" ? "auto" : { name };
}

function schemaOf(format: unknown): unknown {
  const asked = object(format);
  if (asked.type === "json_schema") return object(asked.json_schema).schema ?? {};
  return asked.type === "json_object"
    ? { type: "object", properties: { answer: { type: "string" } } }
    : undefined;
}

const finishNames = { stop: "stop", sequence: "stop", length: "length", tools: "tool_calls" } as const;

/** Writes turns as chat completions. */
class ChatWire {
  readonly #model: Model;
  readonly #turns: readonly Turn[];
  readonly #head: JsonObject;
  /** DeepSeek shows its thoughts. */
  readonly #shows: boolean;

  constructor(call: Call, model: Model, turns: readonly Turn[]) {
    this.#model = model;
    this.#turns = turns;
    this.#shows = model.maker === "deepseek";
    this.#head = {
      id: `chatcmpl-${idFrom(turns[0]?.seed ?? 0, 24)}`,
      created: CREATED,
      model: answeredModel(call, model),
      service_tier: serviceTier(call),
      system_fingerprint: FINGERPRINT,
    };
  }

  /** A whole answer; fields that are undefined are not written. */
  body(usage: JsonObject | undefined): JsonObject {
    return { object: "chat.completion", ...this.#head, choices: this.#turns.map(this.#choice, this), usage };
  }

  #choice(turn: Turn, index: number): JsonObject {
    const calls = turn.tools.length > 0;
    return {
      index,
      message: {
        role: "assistant",
        content: calls ? null : turn.pieces.join(""),
        reasoning_content: this.#shows && turn.reasoning > 0 ? turn.thoughts.join("") : undefined,
        tool_calls: calls ? turn.tools.map((tool) => this.#toolCall(tool)) : undefined,
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: finishNames[turn.finish],
    };
  }

  /** The chunks of a stream; the choices take turns. */
  *events(usage: "normal" | "none" | "last-chunk" | "every-chunk", asked: boolean): Generator<StreamEvent> {
    const head = JSON.stringify({ object: "chat.completion.chunk", ...this.#head }).slice(0, -1);
    const model = this.#model;
    const turns = this.#turns;
    const pending = asked && usage === "normal" ? ',"usage":null}' : "}";
    let sent = 0;
    const chunk = (
      index: number,
      delta: string,
      finish: string,
      tokens: number,
      last = false,
    ): StreamEvent => {
      sent += tokens;
      const data = `${head},"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish}}]`;
      if (usage === "every-chunk" || (usage === "last-chunk" && last)) {
        const reported = quantitiesOf(turns, sent);
        return {
          name: "",
          data: `${data},"usage":${JSON.stringify(usageOf(reported, model))}}`,
          tokens,
          reported,
        };
      }
      return { name: "", data: data + pending, tokens };
    };

    const streams = turns.map((turn, index) => this.#deltas(turn, index, chunk));
    for (const stream of streams) yield* take(stream, 1);
    let open = streams;
    while (open.length > 0) {
      const left: typeof open = [];
      for (const stream of open) {
        const next = stream.next();
        if (next.done !== true) {
          yield next.value;
          left.push(stream);
        }
      }
      open = left;
    }
    for (const [index, turn] of turns.entries()) {
      yield chunk(index, "{}", `"${finishNames[turn.finish]}"`, 0, index === turns.length - 1);
    }
    if (asked && usage === "normal") {
      const reported = quantitiesOf(turns);
      const data = `${head},"choices":[],"usage":${JSON.stringify(usageOf(reported, model))}}`;
      yield { name: "", data, tokens: 0, reported };
    }
  }

  *#deltas(
    turn: Turn,
    index: number,
    chunk: (index: number, delta: string, finish: string, tokens: number) => StreamEvent,
  ): Generator<StreamEvent, void> {
    const content = turn.tools.length > 0 ? "null" : '""';
    const hidden = this.#shows ? 0 : turn.reasoning;
    yield chunk(index, `{"role":"assistant","content":${content},"refusal":null}`, "null", hidden);
    if (this.#shows) {
      for (const thought of turn.thoughts) {
        yield chunk(index, `{"reasoning_content":${JSON.stringify(thought)}}`, "null", 1);
      }
    }
    for (const piece of turn.pieces) {
      yield chunk(index, `{"content":${JSON.stringify(piece)}}`, "null", 1);
    }
    for (const [number, tool] of turn.tools.entries()) {
      const opening = { ...this.#toolCall(tool), index: number };
      const start = { ...opening, function: { name: tool.name, arguments: "" } };
      yield chunk(index, JSON.stringify({ tool_calls: [start] }), "null", 0);
      for (const piece of tool.pieces) {
        const delta = { tool_calls: [{ index: number, function: { arguments: piece } }] };
        yield chunk(index, JSON.stringify(delta), "null", 1);
      }
    }
  }

  #toolCall(tool: Turn["tools"][number]): JsonObject {
    return {
      id: `call_${tool.id}`,
      type: "function",
      function: { name: tool.name, arguments: tool.pieces.join("") },
    };
  }
}

function* take<T>(source: Iterator<T>, count: number): Generator<T> {
  for (let taken = 0; taken < count; taken++) {
    const next = source.next();
    if (next.done === true) return;
    yield next.value;
  }
}
