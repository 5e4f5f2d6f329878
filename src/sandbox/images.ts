/** `POST /v1/images/generations`, `/edits` and `/variations`: gpt-image models report usage, DALL·E does not. */
import type { Quantities } from "../core/quantities.ts";
import { type Answer, type Call, CREATED, jsonAnswer, modelFor, type StreamEvent } from "./call.ts";
import { streamError } from "./chat.ts";
import { badField } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import { countTokens } from "./text.ts";

/** A valid PNG of one pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const PIXEL = Buffer.from(PNG, "base64");

/** Output tokens of an image by quality and size, from OpenAI's guide to image generation. */
const OUTPUT_TOKENS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  low: { "1024x1024": 272, "1024x1536": 408, "1536x1024": 400 },
  medium: { "1024x1024": 1056, "1024x1536": 1584, "1536x1024": 1568 },
  high: { "1024x1024": 4160, "1024x1536": 6240, "1536x1024": 6208 },
};
const INPUT_IMAGE_TOKENS = 323;
const MOST_IMAGES = 10;

/** Makes images from a prompt. @throws ApiError */
export function generateImages(call: Call): Answer {
  return makeImages(call, "image_generation", "dall-e-2", true);
}

/** Makes images from images and a prompt. @throws ApiError */
export function editImages(call: Call): Answer {
  requireImage(call);
  return makeImages(call, "image_edit", "dall-e-2", true);
}

/** Makes images from an image. @throws ApiError */
export function varyImages(call: Call): Answer {
  requireImage(call);
  return makeImages(call, "image_edit", "dall-e-2", false);
}

function requireImage(call: Call): void {
  const sent = [...(call.form?.files.keys() ?? []), ...Object.keys(call.json)];
  if (!sent.some((name) => name.startsWith("image"))) throw badField("image", "is required");
}

interface Wanted {
  readonly prompt: string;
  readonly count: number;
  readonly size: string;
  readonly quality: string;
  readonly format: string;
  readonly inputImages: number;
}

function makeImages(call: Call, kind: string, defaultModel: string, needsPrompt: boolean): Answer {
  const model = modelFor(call, field(call, "model") || defaultModel, "image");
  const wanted = wantedImages(call, needsPrompt);
  if (!model.id.startsWith("gpt-image")) {
    const url = field(call, "response_format") !== "b64_json";
    const data = Array.from({ length: wanted.count }, (_, index) =>
      url ? { url: `https://images.example/${index}.png` } : { b64_json: picture(call) },
    );
    const used = { images: wanted.count };
    return jsonAnswer({ created: CREATED, data }, { model, used, reported: used });
  }
  const used = usedFor(call, wanted);
  const described = {
    background: "opaque",
    output_format: wanted.format,
    quality: wanted.quality,
    size: wanted.size,
  };
  const silent = call.knobs.usage === "none";
  const usage = silent ? {} : { usage: usageOf(used) };
  if (field(call, "stream") === "true") {
    const partials = Math.min(3, Number(field(call, "partial_images")) || 0);
    const events = imageEvents(call, kind, partials, described, usage, silent ? undefined : used);
    const content = { framing: "sse", events, error: streamError(), done: false } as const;
    return { status: 200, contentType: "text/event-stream; charset=utf-8", content, model, used };
  }
  const data = Array.from({ length: wanted.count }, () => ({ b64_json: picture(call) }));
  const body = { created: CREATED, ...described, data, ...usage };
  return jsonAnswer(body, silent ? { model, used } : { model, used, reported: used });
}

function wantedImages(call: Call, needsPrompt: boolean): Wanted {
  const prompt = field(call, "prompt");
  if (needsPrompt && prompt === "") throw badField("prompt", "is required");
  const count = Number(field(call, "n") || 1);
  if (!(Number.isInteger(count) && count >= 1 && count <= MOST_IMAGES)) {
    throw badField("n", `must be 1 to ${MOST_IMAGES}`);
  }
  const quality = field(call, "quality");
  const size = field(call, "size");
  return {
    prompt,
    count,
    quality: quality in OUTPUT_TOKENS ? quality : "medium",
    size: size in (OUTPUT_TOKENS.low ?? {}) ? size : "1024x1024",
    format: field(call, "output_format") || "png",
    inputImages: call.form?.files.size ?? 0,
  };
}

function usedFor(call: Call, wanted: Wanted): Quantities {
  const image = wanted.inputImages * INPUT_IMAGE_TOKENS;
  const input = call.knobs.input ?? countTokens(wanted.prompt) + image;
  const each = OUTPUT_TOKENS[wanted.quality]?.[wanted.size] ?? 0;
  return {
    inputTokens: input,
    imageInputTokens: Math.min(image, input),
    outputTokens: call.knobs.output ?? each * wanted.count,
  };
}

function usageOf(used: Quantities): JsonObject {
  const input = used.inputTokens ?? 0;
  const image = used.imageInputTokens ?? 0;
  const output = used.outputTokens ?? 0;
  return {
    input_tokens: input,
    input_tokens_details: { image_tokens: image, text_tokens: input - image },
    output_tokens: output,
    total_tokens: input + output,
  };
}

function* imageEvents(
  call: Call,
  kind: string,
  partials: number,
  described: JsonObject,
  usage: JsonObject,
  reported: Quantities | undefined,
): Generator<StreamEvent> {
  const common = { b64_json: picture(call), created_at: CREATED, ...described };
  for (let index = 0; index < partials; index++) {
    const type = `${kind}.partial_image`;
    yield {
      name: type,
      data: JSON.stringify({ type, ...common, partial_image_index: index }),
      tokens: 0,
    };
  }
  const type = `${kind}.completed`;
  const last = { name: type, data: JSON.stringify({ type, ...common, ...usage }), tokens: 0 };
  yield reported === undefined ? last : { ...last, reported, tokens: reported.outputTokens ?? 0 };
}

/** The picture in base64; the knob `size` pads it. */
function picture(call: Call): string {
  const { size } = call.knobs;
  if (size === undefined) return PNG;
  return Buffer.concat([
    PIXEL,
    Buffer.alloc(Math.max(0, Math.floor((size * 3) / 4) - PIXEL.length)),
  ]).toString("base64");
}

/** A field of the JSON or the form, as text. */
function field(call: Call, name: string): string {
  const value = call.form?.fields.get(name) ?? call.json[name];
  return typeof value === "string" ? value : typeof value === "object" ? "" : String(value ?? "");
}
