/** `POST /v1/responses`: OpenAI's Responses API, with its typed stream events. */
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
import { badField } from "./errors.ts";
import { type JsonObject, list, object, positive, string, textOf } from "./json.ts";
import type { Model } from "./models.ts";
import { idFrom } from "./random.ts";
import { type Ask, quantitiesOf, type Turn, takeTurn } from "./turn.ts";

/** Answers a Responses request. @throws ApiError */
export function responses(call: Call): Answer {
  const { json } = call;
  const model = modelFor(call, json.model, "text");
  const turn = takeTurn(call, askOf(json, model));
  const used = quantitiesOf([turn]);
  const wire = new ResponseWire(call, model, turn);
  const silent = call.knobs.usage === "none";
  if (json.stream === true) {
    return {
      status: 200,
      contentType: "text/event-stream; charset=utf-8",
      content: {
        framing: "sse",
        events: wire.events(silent ? undefined : used),
        error: wire.failed(),
        done: false,
      },
      model,
      used,
    };
  }
  const status = turn.finish === "length" ? "incomplete" : "completed";
  if (silent) return jsonAnswer(wire.response(status, undefined), { model, used });
  return jsonAnswer(wire.response(status, used), { model, used, reported: used });
}

function askOf(json: JsonObject, model: Model): Ask {
  if (textOf(json.input) === "") throw badField("input", "is required");
  const last = list(json.input).at(-1);
  const answersTool = string(object(last).type) === "function_call_output";
  const format = object(object(json.text).format);
  return {
    model,
    prompt: textOf([json.instructions, json.input]),
    lastWord: answersTool ? "" : textOf(typeof json.input === "string" ? json.input : last),
    maxTokens: positive(json.max_output_tokens),
    tools: list(json.tools)
      .map(object)
      .filter((tool) => tool.type === "function")
      .map((tool) => ({ name: string(tool.name), schema: tool.parameters ?? {} })),
    toolChoice: toolChoiceOf(json.tool_choice),
    schema:
      format.type === "json_schema" ? (format.schema ?? {}) : format.type === "json_object" ? {} : undefined,
    stops: [],
    thinks: false,
  };
}

function toolChoiceOf(choice: unknown): Ask["toolChoice"] {
  if (choice === "none" || choice === "required") return choice;
  const name = string(object(choice).name);
  return name === "" ? "auto" : { name };
}

function usageOf(used: Quantities): JsonObject {
  const input = used.inputTokens ?? 0;
  const output = used.outputTokens ?? 0;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: used.cachedInputTokens ?? 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: used.reasoningTokens ?? 0 },
    total_tokens: input + output,
  };
}

type Status = "in_progress" | "completed" | "incomplete" | "failed";

class ResponseWire {
  readonly #call: Call;
  readonly #model: Model;
  readonly #turn: Turn;
  readonly #status: "completed" | "incomplete";
  #sequence = 0;

  constructor(call: Call, model: Model, turn: Turn) {
    this.#call = call;
    this.#model = model;
    this.#turn = turn;
    this.#status = turn.finish === "length" ? "incomplete" : "completed";
  }

  response(status: Status, used: Quantities | undefined): JsonObject {
    const { json } = this.#call;
    const ended = status === "completed" || status === "incomplete";
    return {
      id: this.#id("resp", 0),
      object: "response",
      created_at: CREATED,
      status,
      error: status === "failed" ? { code: "server_error", message: "The sandbox was told to fail." } : null,
      incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
      instructions: json.instructions ?? null,
      max_output_tokens: json.max_output_tokens ?? null,
      model: answeredModel(this.#call, this.#model),
      output: ended ? this.#items() : [],
      parallel_tool_calls: json.parallel_tool_calls ?? true,
      previous_response_id: json.previous_response_id ?? null,
      reasoning: { effort: null, summary: null },
      service_tier: serviceTier(this.#call),
      store: json.store ?? true,
      temperature: json.temperature ?? 1,
      text: json.text ?? { format: { type: "text" } },
      tool_choice: json.tool_choice ?? "auto",
      tools: json.tools ?? [],
      top_p: json.top_p ?? 1,
      truncation: "disabled",
      usage: ended && used !== undefined ? usageOf(used) : null,
      user: null,
      metadata: json.metadata ?? {},
    };
  }

  *events(used: Quantities | undefined): Generator<StreamEvent> {
    yield this.#event("response.created", { response: this.response("in_progress", undefined) });
    yield this.#event("response.in_progress", { response: this.response("in_progress", undefined) });
    for (const [index, item] of this.#items().entries()) {
      const place = { output_index: index };
      switch (item.type) {
        case "reasoning":
          yield this.#event("response.output_item.added", { ...place, item });
          yield this.#event("response.output_item.done", { ...place, item }, this.#turn.reasoning);
          break;
        case "message":
          yield* this.#message(item, { ...place, item_id: item.id, content_index: 0 });
          break;
        default:
          yield* this.#toolCall(item, { ...place, item_id: item.id });
      }
    }
    const last = this.#event(`response.${this.#status}`, { response: this.response(this.#status, used) });
    yield used === undefined ? last : { ...last, reported: used };
  }

  failed(): StreamEvent {
    const event = {
      type: "response.failed",
      sequence_number: 0,
      response: this.response("failed", undefined),
    };
    return { name: event.type, data: JSON.stringify(event), tokens: 0 };
  }

  *#message(item: JsonObject, place: JsonObject): Generator<StreamEvent> {
    const { output_index, content_index: _, item_id } = place;
    const text = this.#turn.pieces.join("");
    const started = { ...item, status: "in_progress", content: [] };
    yield this.#event("response.output_item.added", { output_index, item: started });
    yield this.#event("response.content_part.added", { ...place, part: outputText("") });
    for (const delta of this.#turn.pieces) {
      yield this.#event("response.output_text.delta", { ...place, delta, logprobs: [] }, 1);
    }
    yield this.#event("response.output_text.done", { ...place, item_id, text, logprobs: [] });
    yield this.#event("response.content_part.done", { ...place, part: outputText(text) });
    yield this.#event("response.output_item.done", { output_index, item });
  }

  *#toolCall(item: JsonObject, place: JsonObject): Generator<StreamEvent> {
    const { output_index } = place;
    const tool = this.#turn.tools.find((one) => `call_${one.id}` === item.call_id);
    const started = { ...item, status: "in_progress", arguments: "" };
    yield this.#event("response.output_item.added", { output_index, item: started });
    for (const delta of tool?.pieces ?? []) {
      yield this.#event("response.function_call_arguments.delta", { ...place, delta }, 1);
    }
    const whole = { ...place, name: item.name, arguments: item.arguments };
    yield this.#event("response.function_call_arguments.done", whole);
    yield this.#event("response.output_item.done", { output_index, item });
  }

  #items(): readonly JsonObject[] {
    const turn = this.#turn;
    const status = this.#status;
    const thinking = { id: this.#id("rs", 1), type: "reasoning", summary: [] };
    const message = {
      id: this.#id("msg", 2),
      type: "message",
      status,
      role: "assistant",
      content: [outputText(turn.pieces.join(""))],
    };
    const calls = turn.tools.map((tool, index) => ({
      id: this.#id("fc", 3 + index),
      type: "function_call",
      status,
      call_id: `call_${tool.id}`,
      name: tool.name,
      arguments: tool.pieces.join(""),
    }));
    return [
      ...(turn.reasoning > 0 ? [thinking] : []),
      ...(calls.length === 0 && turn.pieces.length > 0 ? [message] : []),
      ...calls,
    ];
  }

  #id(prefix: string, number: number): string {
    return `${prefix}_${idFrom(this.#turn.seed + number, 32)}`;
  }

  #event(type: string, fields: JsonObject, tokens = 0): StreamEvent {
    const data = JSON.stringify({ type, sequence_number: this.#sequence++, ...fields });
    return { name: type, data, tokens };
  }
}

function outputText(text: string): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}
