/**
 * Gemini: `POST /v1beta/models/{model}:generateContent` and its siblings; the model and the method are
 * in the path. Every chunk of a stream has a cumulative `usageMetadata`. The prompt's count includes the
 * cached part but not what tools added; the candidates' count excludes thoughts.
 */
import { count, type Quantities } from "../../core/quantities.ts";
import type { Dialect, Operation, Reading, RequestBody, RequestFacts, RequestTraits } from "../dialect.ts";
import type { Endpoint } from "../usage.ts";
import {
  effortOfTokens,
  type Fields,
  fields,
  firstCount,
  items,
  name,
  put,
  readError,
  readNames,
  readOutput,
  sum,
} from "./fields.ts";
import { contentText, isUnder, TextCollector } from "./openai-request.ts";

const MODEL_ROOTS = ["/v1beta/models", "/v1/models", "/v1beta/tunedModels"] as const;

interface Method {
  readonly endpoint: Endpoint;
  readonly streaming: boolean;
  readonly billable: boolean;
}

const methods: ReadonlyMap<string, Method> = new Map([
  ["generateContent", { endpoint: "generate", streaming: false, billable: true }],
  ["streamGenerateContent", { endpoint: "generate", streaming: true, billable: true }],
  ["countTokens", { endpoint: "generate", streaming: false, billable: false }],
  ["batchGenerateContent", { endpoint: "generate", streaming: false, billable: false }],
  ["embedContent", { endpoint: "embeddings", streaming: false, billable: true }],
  ["batchEmbedContents", { endpoint: "embeddings", streaming: false, billable: true }],
  ["asyncBatchEmbedContent", { endpoint: "embeddings", streaming: false, billable: false }],
  ["predict", { endpoint: "images", streaming: false, billable: true }],
  ["predictLongRunning", { endpoint: "other", streaming: false, billable: false }],
]);

export const geminiGenerate: Dialect = {
  name: "gemini-generate",
  family: "gemini",
  countsTokens: true,
  usageKeys: ["usageMetadata", "modelVersion"],
  factKeys: new Set([
    ...["generationConfig", "generation_config", "serviceTier", "service_tier", "parameters"],
  ]),

  match(httpMethod: string, path: string): Operation | undefined {
    const root = MODEL_ROOTS.find((candidate) => isUnder(path, candidate));
    if (root === undefined) return undefined;
    const colon = path.lastIndexOf(":");
    const method = colon === -1 ? undefined : methods.get(path.slice(colon + 1));
    // Lists of models; those under /v1 are OpenAI's as well, and belong to openai-models.
    if (method === undefined) return root === "/v1/models" ? undefined : models;
    return {
      dialect: geminiGenerate,
      endpoint: method.endpoint,
      model: name(decoded(path.slice(root.length + 1, colon))),
      streaming: method.streaming,
      billable: method.billable && httpMethod === "POST",
    };
  },

  facts(operation: Operation, body: RequestBody): RequestFacts {
    const json = fields(body.json);
    const settings = fields(json.generationConfig ?? json.generation_config);
    const limit = firstCount(settings.maxOutputTokens, settings.max_output_tokens);
    const serviceTier = name(json.serviceTier ?? json.service_tier);
    return {
      model: operation.model ?? "",
      streaming: operation.streaming === true,
      ...(limit !== undefined && { maxOutputTokens: limit }),
      ...(serviceTier !== "" && { serviceTier }),
      ...(operation.endpoint === "images" && imageFacts(fields(json.parameters))),
    };
  },

  readBody(body: unknown, reading: Reading): void {
    readAnswer(fields(body), reading);
  },

  // Without `alt=sse` a stream is an array of answers, each an event all the same.
  readEvent(_name: string, data: unknown, reading: Reading): void {
    readAnswer(fields(data), reading);
  },

  traits(body: RequestBody): RequestTraits {
    const json = fields(body.json);
    const config = fields(json.generationConfig ?? json.generation_config);
    const thinking = fields(config.thinkingConfig ?? config.thinking_config);
    const tokens = count(thinking.thinkingBudget ?? thinking.thinking_budget);
    return {
      tools: items(json.tools).length > 0,
      images: items(json.contents).some((content) => items(fields(content).parts).some(isImage)),
      json: (config.responseMimeType ?? config.response_mime_type) === "application/json",
      effort:
        name(thinking.thinkingLevel ?? thinking.thinking_level).toLowerCase() ||
        (tokens === undefined ? "" : effortOfTokens(tokens)),
      user: "",
    };
  },

  userTexts(body: RequestBody): readonly string[] {
    const { contents } = fields(body.json);
    if (typeof contents === "string") return [contents];
    return items(contents)
      .map(fields)
      .filter(({ role }) => role === undefined || role === "user")
      .map(({ parts }) => contentText(parts))
      .filter((written) => written !== "");
  },

  promptText(body: RequestBody): string {
    const json = fields(body.json);
    const collector = new TextCollector();
    addContent(json.systemInstruction ?? json.system_instruction, collector);
    addContents(json, collector);
    for (const request of items(json.requests)) addContents(fields(request), collector);
    collector.addJson(json.tools);
    return collector.toString();
  },
};

const models: Operation = { dialect: geminiGenerate, endpoint: "models", billable: false };

function isImage(value: unknown): boolean {
  const part = fields(value);
  const data = fields(part.inlineData ?? part.inline_data ?? part.fileData ?? part.file_data);
  return name(data.mimeType ?? data.mime_type).startsWith("image/");
}

function decoded(model: string): string {
  if (!model.includes("%")) return model;
  try {
    return decodeURIComponent(model);
  } catch {
    return model;
  }
}

function imageFacts(parameters: Fields): Pick<RequestFacts, "quantities" | "image"> {
  const size = name(parameters.sampleImageSize ?? parameters.imageSize ?? parameters.aspectRatio);
  return { quantities: { images: count(parameters.sampleCount) || 1 }, image: { size, quality: "" } };
}

function readAnswer(answer: Fields, reading: Reading): void {
  readNames(answer.modelVersion, undefined, reading);
  readError(answer.error, reading);
  readUsage(answer.usageMetadata, reading);
  for (const value of items(answer.candidates)) {
    const candidate = fields(value);
    for (const part of items(fields(candidate.content).parts)) readPart(fields(part), reading);
    // Another candidate may go on after this one has finished.
    reading.complete = typeof candidate.finishReason === "string" && candidate.finishReason !== "";
  }
  if (typeof fields(answer.promptFeedback).blockReason === "string") reading.complete = true;
  const images = items(answer.predictions).length;
  if (images > 0) {
    reading.quantities.images = images;
    reading.reported = true;
    reading.complete = true;
  }
}

/** Reads usage over what was read before: what it leaves out stays as it was. */
function readUsage(value: unknown, reading: Reading): void {
  if (typeof value !== "object" || value === null) return;
  const usage = value as Fields;
  const { quantities } = reading;
  const prompt = count(usage.promptTokenCount);
  const tools = count(usage.toolUsePromptTokenCount);
  if (prompt !== undefined || tools !== undefined) {
    quantities.inputTokens = sum(prompt ?? 0, tools ?? 0);
    reading.reported = true;
  }
  const thoughts = count(usage.thoughtsTokenCount);
  const candidates = firstCount(usage.candidatesTokenCount, usage.responseTokenCount);
  if (thoughts !== undefined || candidates !== undefined) {
    const reasoning = quantities.reasoningTokens ?? 0;
    const answered = candidates ?? (quantities.outputTokens ?? 0) - reasoning;
    quantities.outputTokens = sum(answered, thoughts ?? reasoning);
    reading.reported = true;
  }
  put(quantities, "reasoningTokens", thoughts);
  put(quantities, "cachedInputTokens", usage.cachedContentTokenCount);
  putModalities(usage.promptTokensDetails, "audioInputTokens", "imageInputTokens", quantities);
  putModalities(usage.candidatesTokensDetails, "audioOutputTokens", "imageOutputTokens", quantities);
}

function putModalities(
  details: unknown,
  audio: "audioInputTokens" | "audioOutputTokens",
  image: "imageInputTokens" | "imageOutputTokens",
  quantities: Quantities,
): void {
  for (const value of items(details)) {
    const detail = fields(value);
    if (detail.modality === "AUDIO") put(quantities, audio, detail.tokenCount);
    else if (detail.modality === "IMAGE") put(quantities, image, detail.tokenCount);
  }
}

function readPart(part: Fields, reading: Reading): void {
  if (typeof part.text === "string") {
    readOutput(part.text, reading);
    return;
  }
  const call = fields(part.functionCall);
  readOutput(call.name, reading);
  if (Object.keys(fields(call.args)).length > 0) readOutput(JSON.stringify(call.args), reading);
  readOutput(fields(part.executableCode).code, reading);
  readOutput(fields(part.codeExecutionResult).output, reading);
  const { inlineData } = part;
  if (typeof inlineData === "object" && inlineData !== null) reading.outputSeen = true;
}

/** `contents` of a request, or the one `content` of an embedding. */
function addContents(request: Fields, collector: TextCollector): void {
  for (const content of items(request.contents)) addContent(content, collector);
  addContent(request.contents, collector);
  addContent(request.content, collector);
}

function addContent(content: unknown, collector: TextCollector): void {
  for (const value of items(fields(content).parts)) {
    const part = fields(value);
    collector.add(part.text);
    collector.addJson(fields(part.functionCall).args);
    collector.addJson(fields(part.functionResponse).response);
  }
}
