/** `GET /v1/models` (OpenAI's and Anthropic's shape) and `/v1beta/models` (Gemini's). */
import { type Answer, type Call, CREATED, jsonAnswer } from "./call.ts";
import { ApiError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { findModel, listedModels, type Model } from "./models.ts";

/** Lists all models in the shape the client's headers ask for. */
export function listModels(call: Call): Answer {
  const models = listedModels();
  if (!speaksAnthropic(call)) return jsonAnswer({ object: "list", data: models.map(openaiModel) });
  const data = models.filter((model) => model.kind === "text").map(anthropicModel);
  return jsonAnswer({
    data,
    has_more: false,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  });
}

/** One model. @throws ApiError 404 */
export function oneModel(call: Call): Answer {
  const model = modelNamed(call);
  return jsonAnswer(speaksAnthropic(call) ? anthropicModel(model) : openaiModel(model));
}

/** Gemini's list. */
export function listGeminiModels(): Answer {
  return jsonAnswer({ models: listedModels().map(geminiModel) });
}

/** Gemini's description of one model. @throws ApiError 404 */
export function oneGeminiModel(call: Call): Answer {
  return jsonAnswer(geminiModel(modelNamed(call)));
}

function modelNamed(call: Call): Model {
  const id = call.params[0] ?? "";
  const model = findModel(id);
  if (model === undefined)
    throw new ApiError(404, `The model '${id}' does not exist.`, "model_not_found", "model");
  return model;
}

function speaksAnthropic(call: Call): boolean {
  return call.headers["anthropic-version"] !== undefined;
}

function openaiModel(model: Model): JsonObject {
  return { id: model.id, object: "model", created: CREATED, owned_by: model.maker };
}

function anthropicModel(model: Model): JsonObject & { id: string } {
  return {
    type: "model",
    id: model.id,
    display_name: model.id,
    created_at: new Date(CREATED * 1000).toISOString(),
    capabilities: null,
    max_input_tokens: 200_000,
    max_tokens: 64_000,
  };
}

function geminiModel(model: Model): JsonObject {
  return {
    name: `models/${model.id}`,
    version: "001",
    displayName: model.id,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods:
      model.kind === "embedding" ? ["embedContent"] : ["generateContent", "countTokens"],
  };
}
