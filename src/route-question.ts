/** A call that is made up for a question: how it would look on the wire, in the API that it is of. */
import { endpointNames } from "./config/defaults.ts";
import { BellwetherError } from "./core/errors.ts";
import type { RouteQuestion } from "./http/api-routes.ts";
import type { Operation, RequestBody, RequestFacts } from "./usage/dialect.ts";
import { recognise } from "./usage/dialects/index.ts";
import type { Endpoint } from "./usage/usage.ts";

interface Shape {
  path(model: string): string;
  body(question: RouteQuestion, prompt: string): object;
}

const DATA_URL = "data:image/png;base64,";
const TOOL = { name: "look_up", description: "", parameters: { type: "object" } };

/** How a question becomes a request, by kind of call. */
const shapes: Partial<Record<Endpoint, Shape>> = {
  chat: {
    path: () => "/v1/chat/completions",
    body: ({ model, images, tools, json, streaming, reasoning, maxOutputTokens }, prompt) => ({
      model,
      messages: [
        {
          role: "user",
          content:
            images === true
              ? [
                  { type: "text", text: prompt },
                  { type: "image_url", image_url: { url: DATA_URL } },
                ]
              : prompt,
        },
      ],
      ...(tools === true && { tools: [{ type: "function", function: TOOL }] }),
      ...(json === true && { response_format: { type: "json_object" } }),
      ...(streaming === true && { stream: true }),
      ...(reasoning !== undefined && { reasoning_effort: reasoning }),
      ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    }),
  },
  responses: {
    path: () => "/v1/responses",
    body: ({ model, images, tools, json, streaming, reasoning, maxOutputTokens }, prompt) => ({
      model,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: prompt },
            ...(images === true ? [{ type: "input_image", image_url: DATA_URL }] : []),
          ],
        },
      ],
      ...(tools === true && { tools: [{ type: "function", ...TOOL }] }),
      ...(json === true && { text: { format: { type: "json_object" } } }),
      ...(streaming === true && { stream: true }),
      ...(reasoning !== undefined && { reasoning: { effort: reasoning } }),
      ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    }),
  },
  messages: {
    path: () => "/v1/messages",
    body: ({ model, images, tools, json, streaming, reasoning, maxOutputTokens = 1024 }, prompt) => ({
      model,
      max_tokens: maxOutputTokens,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: prompt },
            ...(images === true ? [{ type: "image", source: { type: "base64", data: "" } }] : []),
          ],
        },
      ],
      ...(tools === true && { tools: [{ name: TOOL.name, input_schema: TOOL.parameters }] }),
      ...(streaming === true && { stream: true }),
      ...((json === true || reasoning !== undefined) && {
        output_config: {
          ...(json === true && { format: { type: "json_schema" } }),
          ...(reasoning !== undefined && { effort: reasoning }),
        },
      }),
    }),
  },
  generate: {
    path: (model) => `/v1beta/models/${encodeURIComponent(model)}:generateContent`,
    body: ({ images, tools, json, reasoning, maxOutputTokens }, prompt) => ({
      contents: [
        {
          role: "user",
          parts: [{ text: prompt }, ...(images === true ? [{ inlineData: { mimeType: "image/png" } }] : [])],
        },
      ],
      ...(tools === true && { tools: [{ functionDeclarations: [TOOL] }] }),
      generationConfig: {
        ...(json === true && { responseMimeType: "application/json" }),
        ...(reasoning !== undefined && { thinkingConfig: { thinkingLevel: reasoning } }),
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      },
    }),
  },
  completions: {
    path: () => "/v1/completions",
    body: ({ model, streaming, maxOutputTokens }, prompt) => ({
      model,
      prompt,
      ...(streaming === true && { stream: true }),
      ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
    }),
  },
  embeddings: { path: () => "/v1/embeddings", body: ({ model }, input) => ({ model, input }) },
  images: { path: () => "/v1/images/generations", body: ({ model }, prompt) => ({ model, prompt }) },
  audio: { path: () => "/v1/audio/speech", body: ({ model }, input) => ({ model, input }) },
};

/** The kinds of call that can be asked about. */
export const explainable: readonly string[] = endpointNames.filter((name) => shapes[name] !== undefined);

export interface MadeUpRequest {
  readonly operation: Operation;
  readonly parsed: RequestBody;
  readonly body: Uint8Array;
  readonly facts: RequestFacts;
  /** Names and values. */
  readonly headers: readonly string[];
}

/** @throws BellwetherError bad_parameter where there is no such kind of call. */
export function requestOf(question: RouteQuestion): MadeUpRequest {
  const { model, prompt = "", endpoint = "chat", headers = {}, user } = question;
  const shape = Object.hasOwn(shapes, endpoint) ? shapes[endpoint as Endpoint] : undefined;
  const operation = shape && recognise("POST", shape.path(model));
  if (shape === undefined || operation === undefined) {
    const why = `must be one of ${explainable.join(", ")}`;
    throw new BellwetherError("bad_parameter", { parameter: "endpoint", why });
  }
  const json = {
    ...shape.body(question, prompt),
    // Anthropic's and OpenAI's name for the end user; neither minds the other's.
    ...(user !== undefined && { user, metadata: { user_id: user } }),
  };
  const parsed = { json, form: undefined };
  return {
    operation,
    parsed,
    body: Buffer.from(JSON.stringify(json)),
    facts: { ...operation.dialect.facts(operation, parsed), streaming: question.streaming === true },
    headers: Object.entries(headers).flat(),
  };
}
