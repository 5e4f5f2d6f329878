/** Gemini's `generateContent`, `streamGenerateContent`, `countTokens`, `embedContent` and `batchEmbedContents`. */
import { type Answer, answeredModel, type Call, jsonAnswer, modelFor, type StreamEvent } from "./call.ts";
import { dimensionsOf, vector } from "./embeddings.ts";
import { badField, errorBody, errorOfStatus } from "./errors.ts";
import { type JsonObject, list, object, positive, string, textOf } from "./json.ts";
import type { Model } from "./models.ts";
import { idFrom } from "./random.ts";
import { countTokens as tokensIn } from "./text.ts";
import { type Ask, quantitiesOf, sumOf, type Turn, takeTurns } from "./turn.ts";

/** Gemini sends larger chunks than the others. */
const PIECES_A_CHUNK = 4;
const MOST_CANDIDATES = 8;

/** Answers in one piece. @throws ApiError */
export function generateContent(call: Call): Answer {
  const { model, wire, used } = prepare(call);
  const silent = call.knobs.usage === "none";
  const body = wire.whole(silent);
  return jsonAnswer(body, silent ? { model, used } : { model, used, reported: used });
}

/** Answers as server-sent events with `alt=sse`, else as a JSON array that grows. @throws ApiError */
export function streamGenerateContent(call: Call): Answer {
  const { model, wire, used } = prepare(call);
  const sse = call.query.get("alt") === "sse";
  return {
    status: 200,
    contentType: sse ? "text/event-stream" : "application/json",
    content: {
      framing: sse ? "sse" : "array",
      events: wire.events(call.knobs.usage ?? "normal"),
      error: { name: "", data: JSON.stringify(errorBody("gemini", errorOfStatus(503), "")), tokens: 0 },
      done: false,
    },
    model,
    used,
  };
}

/** Counts the input. @throws ApiError */
export function countTokens(call: Call): Answer {
  const model = modelFor(call, call.params[0], "text");
  const asked = "generateContentRequest" in call.json ? object(call.json.generateContentRequest) : call.json;
  const totalTokens = call.knobs.input ?? tokensIn(promptOf(asked));
  const promptTokensDetails = [{ modality: "TEXT", tokenCount: totalTokens }];
  return jsonAnswer({ totalTokens, promptTokensDetails }, { model });
}

/** Embeds one text. Gemini reports no usage here. @throws ApiError */
export function embedContent(call: Call): Answer {
  const model = modelFor(call, call.params[0], "embedding");
  const used = { inputTokens: tokensIn(textOf(call.json.content)) };
  return jsonAnswer({ embedding: embeddingOf(call, model, call.json) }, { model, used });
}

/** Embeds several texts. @throws ApiError */
export function batchEmbedContents(call: Call): Answer {
  const model = modelFor(call, call.params[0], "embedding");
  const requests = list(call.json.requests).map(object);
  if (requests.length === 0) throw badField("requests", "must be a non-empty array");
  const inputTokens = requests.reduce((sum, request) => sum + tokensIn(textOf(request.content)), 0);
  const embeddings = requests.map((request) => embeddingOf(call, model, request));
  return jsonAnswer({ embeddings }, { model, used: { inputTokens } });
}

function embeddingOf(call: Call, model: Model, request: JsonObject): JsonObject {
  const text = textOf(request.content);
  if (text === "") throw badField("content", "is required");
  const dimensions = positive(request.outputDimensionality) ?? dimensionsOf(model.id);
  return { values: Array.from(vector(call.seed, text, dimensions)) };
}

function prepare(call: Call) {
  const model = modelFor(call, call.params[0], "text");
  const { json } = call;
  const settings = object(json.generationConfig);
  const candidates = settings.candidateCount === undefined ? 1 : positive(settings.candidateCount);
  if (candidates === undefined || candidates > MOST_CANDIDATES)
    throw badField("generationConfig.candidateCount", `must be 1 to ${MOST_CANDIDATES}`);
  const turns = takeTurns(call, askOf(json, settings, model), candidates);
  const shows = object(settings.thinkingConfig).includeThoughts === true;
  return { model, wire: new GeminiWire(call, model, turns, shows), used: quantitiesOf(turns) };
}

function promptOf(json: JsonObject): string {
  return textOf([json.systemInstruction, json.contents]);
}

function askOf(json: JsonObject, settings: JsonObject, model: Model): Ask {
  const contents = list(json.contents);
  if (contents.length === 0) throw badField("contents", "is required");
  const last = list(object(contents.at(-1)).parts);
  const tools = list(json.tools).flatMap((tool) => list(object(tool).functionDeclarations).map(object));
  const json_ = settings.responseMimeType === "application/json";
  return {
    model,
    prompt: promptOf(json),
    lastWord: last.some((part) => "functionResponse" in object(part)) ? "" : textOf(last),
    maxTokens: positive(settings.maxOutputTokens),
    tools: tools.map((tool) => ({
      name: string(tool.name),
      schema: tool.parametersJsonSchema ?? tool.parameters ?? {},
    })),
    toolChoice: toolChoiceOf(object(object(json.toolConfig).functionCallingConfig)),
    schema: json_ ? (settings.responseJsonSchema ?? settings.responseSchema ?? {}) : undefined,
    stops: list(settings.stopSequences).map(string),
    thinks: false,
  };
}

function toolChoiceOf(config: JsonObject): Ask["toolChoice"] {
  if (config.mode === "NONE") return "none";
  if (config.mode !== "ANY") return "auto";
  const [name] = list(config.allowedFunctionNames);
  return typeof name === "string" ? { name } : "required";
}

const finishReasons = { stop: "STOP", sequence: "STOP", tools: "STOP", length: "MAX_TOKENS" } as const;

class GeminiWire {
  readonly #turns: readonly Turn[];
  readonly #tail: JsonObject;
  readonly #shows: boolean;

  constructor(call: Call, model: Model, turns: readonly Turn[], shows: boolean) {
    this.#turns = turns;
    this.#shows = shows;
    this.#tail = {
      modelVersion: answeredModel(call, model),
      responseId: idFrom(turns[0]?.seed ?? 0, 22),
    };
  }

  whole(silent: boolean): JsonObject {
    const candidates = this.#turns.map((turn, index) => {
      const spoken = turn.pieces.length === 0 ? [] : [{ text: turn.pieces.join("") }];
      return candidate(
        index,
        [...this.#thoughts(turn), ...spoken, ...calls(turn)],
        finishReasons[turn.finish],
      );
    });
    const output = sumOf(this.#turns, "output");
    return { candidates, ...(silent ? {} : { usageMetadata: this.#usage(output) }), ...this.#tail };
  }

  *events(usage: "normal" | "none" | "last-chunk" | "every-chunk"): Generator<StreamEvent> {
    const everywhere = usage === "normal" || usage === "every-chunk";
    let sent = 0;
    for (const [index, turn] of this.#turns.entries()) {
      const steps = this.#steps(turn);
      for (const [place, step] of steps.entries()) {
        const last = place === steps.length - 1;
        sent += step.tokens;
        const finish = last ? finishReasons[turn.finish] : undefined;
        const candidates = [candidate(index, step.parts, finish)];
        const final = last && index === this.#turns.length - 1;
        if (everywhere || (usage === "last-chunk" && final)) {
          const data = JSON.stringify({ candidates, usageMetadata: this.#usage(sent), ...this.#tail });
          yield { name: "", data, tokens: step.tokens, reported: quantitiesOf(this.#turns, sent) };
        } else {
          yield { name: "", data: JSON.stringify({ candidates, ...this.#tail }), tokens: step.tokens };
        }
      }
    }
  }

  #thoughts(turn: Turn): readonly JsonObject[] {
    return this.#shows && turn.thoughts.length > 0 ? [{ text: turn.thoughts.join(""), thought: true }] : [];
  }

  /** The chunks of one candidate; hidden thoughts come as tokens of the first. */
  #steps(turn: Turn): readonly { readonly parts: readonly JsonObject[]; readonly tokens: number }[] {
    const thoughts = this.#thoughts(turn);
    const steps: { parts: readonly JsonObject[]; tokens: number }[] =
      turn.reasoning > 0 && thoughts.length > 0 ? [{ parts: thoughts, tokens: turn.reasoning }] : [];
    for (let start = 0; start < turn.pieces.length; start += PIECES_A_CHUNK) {
      const pieces = turn.pieces.slice(start, start + PIECES_A_CHUNK);
      steps.push({ parts: [{ text: pieces.join("") }], tokens: pieces.length });
    }
    if (turn.tools.length > 0) {
      steps.push({ parts: calls(turn), tokens: turn.output - turn.reasoning });
    }
    if (steps.length === 0) steps.push({ parts: [{ text: "" }], tokens: 0 });
    const hidden = thoughts.length > 0 ? 0 : turn.reasoning;
    return steps.map((step, index) => (index === 0 ? { ...step, tokens: step.tokens + hidden } : step));
  }

  #usage(output: number): JsonObject {
    const first = this.#turns[0];
    const input = first?.input ?? 0;
    const thoughts = Math.min(sumOf(this.#turns, "reasoning"), output);
    return {
      promptTokenCount: input,
      ...(output > thoughts ? { candidatesTokenCount: output - thoughts } : {}),
      totalTokenCount: input + output,
      ...((first?.cached ?? 0) > 0 ? { cachedContentTokenCount: first?.cached } : {}),
      promptTokensDetails: [{ modality: "TEXT", tokenCount: input }],
      ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    };
  }
}

function calls(turn: Turn): readonly JsonObject[] {
  return turn.tools.map((tool) => ({
    functionCall: { name: tool.name, args: JSON.parse(tool.pieces.join("")) as unknown },
  }));
}

function candidate(index: number, parts: readonly JsonObject[], finish: string | undefined): JsonObject {
  return {
    content: { parts, role: "model" },
    ...(finish === undefined ? {} : { finishReason: finish }),
    index,
  };
}
