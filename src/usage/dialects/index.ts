/** The one table of dialects, and which of them a request speaks. */
import type { Dialect, Operation } from "../dialect.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import { geminiGenerate } from "./gemini-generate.ts";
import { openAiAudio } from "./openai-audio.ts";
import { openAiChat } from "./openai-chat.ts";
import { openAiCompletions } from "./openai-completions.ts";
import { openAiEmbeddings } from "./openai-embeddings.ts";
import { openAiImages } from "./openai-images.ts";
import { openAiModels } from "./openai-models.ts";
import { openAiResponses } from "./openai-responses.ts";
import { other } from "./other.ts";

/** The first that matches wins: Gemini's models under /v1 come before OpenAI's, `other` takes the rest. */
export const dialects: readonly Dialect[] = [
  openAiChat,
  anthropicMessages,
  geminiGenerate,
  openAiResponses,
  openAiEmbeddings,
  openAiCompletions,
  openAiImages,
  openAiAudio,
  openAiModels,
  other,
];

/** Gemini serves OpenAI's API under this root. */
const GEMINI_OPENAI = "/v1beta/openai/";

/**
 * What a request's method (upper case) and path (without query) ask for; undefined when the path is not
 * under `/v1` or `/v1beta`, so that it is not relayed.
 */
export function recognise(method: string, path: string): Operation | undefined {
  const known = method === "POST" ? posts.get(path) : undefined;
  return known ?? find(method, path);
}

function find(method: string, path: string): Operation | undefined {
  if (path.startsWith(GEMINI_OPENAI)) return find(method, `/v1/${path.slice(GEMINI_OPENAI.length)}`);
  for (const dialect of dialects) {
    const operation = dialect.match(method, path);
    if (operation !== undefined) return operation;
  }
  return undefined;
}

/** Almost all traffic goes to these paths: one look-up instead of asking every dialect. */
const posts: ReadonlyMap<string, Operation | undefined> = new Map(
  [
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/speech",
    "/v1/messages/count_tokens",
  ].map((path) => [path, find("POST", path)]),
);
