/** `POST /v1/embeddings`, and the vectors for Gemini's embeddings. */
import { type Answer, answeredModel, type Call, jsonAnswer, modelFor } from "./call.ts";
import { badField } from "./errors.ts";
import { positive, string } from "./json.ts";
import { hash, Random } from "./random.ts";
import { countTokens } from "./text.ts";

const DIMENSIONS: Readonly<Record<string, number>> = {
  "text-embedding-3-large": 3072,
  "gemini-embedding-001": 3072,
};
const DEFAULT_DIMENSIONS = 1536;
const MOST_INPUTS = 2048;

/** Answers an embeddings request. @throws ApiError */
export function embeddings(call: Call): Answer {
  const { json } = call;
  const model = modelFor(call, json.model, "embedding");
  const inputs = inputsOf(json.input);
  const dimensions = positive(json.dimensions) ?? dimensionsOf(model.id);
  const base64 = json.encoding_format === "base64";
  const tokens = call.knobs.input ?? inputs.reduce((sum, input) => sum + input.tokens, 0);
  const data = inputs.map((input, index) => {
    const values = vector(call.seed, input.text, dimensions);
    return {
      object: "embedding",
      index,
      embedding: base64 ? Buffer.from(values.buffer).toString("base64") : Array.from(values),
    };
  });
  const used = { inputTokens: tokens };
  const body = { object: "list", data, model: answeredModel(call, model) };
  if (call.knobs.usage === "none") return jsonAnswer(body, { model, used });
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return jsonAnswer({ ...body, usage }, { model, used, reported: used });
}

export function dimensionsOf(model: string): number {
  return DIMENSIONS[model] ?? DEFAULT_DIMENSIONS;
}

/** A vector of length 1 that depends on seed and text alone. */
export function vector(seed: number, text: string, dimensions: number): Float32Array {
  const random = new Random(hash(seed, text));
  const values = Float32Array.from({ length: dimensions }, () => random.fraction() - 0.5);
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return values.map((value) => value / length);
}

interface Input {
  readonly text: string;
  readonly tokens: number;
}

/** A text, several texts, the numbers of one text's tokens, or those of several. */
function inputsOf(input: unknown): readonly Input[] {
  const many = Array.isArray(input) && typeof input[0] !== "number" ? (input as unknown[]) : [input];
  if (many.length === 0 || many.length > MOST_INPUTS)
    throw badField("input", `must be 1 to ${MOST_INPUTS} texts`);
  return many.map((one) => {
    if (Array.isArray(one) && one.length > 0) return { text: one.join(), tokens: one.length };
    if (string(one) === "") throw badField("input", "must be a non-empty text, or an array of them");
    return { text: string(one), tokens: countTokens(string(one)) };
  });
}
