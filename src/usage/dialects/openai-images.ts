/**
 * OpenAI images: `POST /v1/images/generations`, `/edits` (JSON or a form) and `/variations` (a form).
 * gpt-image models report token usage; models priced per image report none, so their images are counted.
 */
import { count } from "../../core/quantities.ts";
import type { Dialect, Operation, Reading, RequestBody, RequestFacts } from "../dialect.ts";
import { fields, items, name, readError, readNames, text } from "./fields.ts";
import { below, isUnder, operationPair, TextCollector } from "./openai-request.ts";
import { readOpenAiUsage } from "./openai-usage.ts";

const ROOT = "/v1/images";
const BILLED: ReadonlySet<string> = new Set(["/generations", "/edits", "/variations"]);

export const openAiImages: Dialect = {
  name: "openai-images",
  family: "openai",
  countsTokens: false,
  usageKeys: ["usage"],
  factKeys: new Set(["model", "stream", "n", "size", "quality"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    return method === "POST" && BILLED.has(below(path, ROOT)) ? operations.billed : operations.free;
  },

  facts(_operation: Operation, { json, form }: RequestBody): RequestFacts {
    const request = fields(form === undefined ? json : Object.fromEntries(form));
    const asked = count(form === undefined ? request.n : Number(request.n ?? Number.NaN));
    return {
      model: name(request.model),
      streaming: request.stream === true || request.stream === "true",
      quantities: { images: asked === undefined || asked === 0 ? 1 : asked },
      image: { size: name(request.size), quality: name(request.quality) },
    };
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    readNames(answer.model, undefined, reading);
    readError(answer.error, reading);
    reading.complete = true;
    if (readOpenAiUsage(answer.usage, reading)) return;
    const images = items(answer.data).length;
    if (images > 0) {
      reading.quantities.images = images;
      reading.reported = true;
    }
  },

  readEvent(eventName: string, data: unknown, reading: Reading): void {
    const event = fields(data);
    const type = text(event.type) || eventName;
    if (type === "error") reading.failed = true;
    else readError(event.error, reading);
    if (type.endsWith(".partial_image")) reading.outputSeen = true;
    if (!type.endsWith(".completed")) return;
    reading.outputSeen = true;
    reading.complete = true;
    if (readOpenAiUsage(event.usage, reading)) return;
    // One such event comes for each image.
    reading.quantities.images = (reading.quantities.images ?? 0) + 1;
    reading.reported = true;
  },

  promptText({ json, form }: RequestBody): string {
    const collector = new TextCollector();
    collector.add(form?.get("prompt") ?? fields(json).prompt);
    return collector.toString();
  },
};

const operations = operationPair({ dialect: openAiImages, endpoint: "images" });
