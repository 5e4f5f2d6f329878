/** `POST /v1/moderations`: nothing the sandbox hears is ever flagged. It uses nothing and costs nothing. */
import { type Answer, type Call, jsonAnswer, modelFor } from "./call.ts";
import { badField } from "./errors.ts";
import { textOf } from "./json.ts";
import { hash, idFrom } from "./random.ts";

const CATEGORIES = [
  "harassment",
  "harassment/threatening",
  "hate",
  "hate/threatening",
  "illicit",
  "illicit/violent",
  "self-harm",
  "self-harm/instructions",
  "self-harm/intent",
  "sexual",
  "sexual/minors",
  "violence",
  "violence/graphic",
];

/** Answers a moderation request. @throws ApiError */
export function moderations(call: Call): Answer {
  const model = modelFor(call, call.json.model ?? "omni-moderation-latest", "moderation");
  const { input } = call.json;
  if (textOf(input) === "") throw badField("input", "is required");
  const every = <T>(value: T) => Object.fromEntries(CATEGORIES.map((name) => [name, value]));
  const result = {
    flagged: false,
    categories: every(false),
    category_scores: every(0.0001),
    category_applied_input_types: every(["text"]),
  };
  const texts = Array.isArray(input) && typeof input[0] === "string" ? input.length : 1;
  return jsonAnswer(
    {
      id: `modr-${idFrom(hash(call.seed, textOf(input)), 24)}`,
      model: model.id,
      results: Array.from({ length: texts }, () => result),
    },
    { model },
  );
}
