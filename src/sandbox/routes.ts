/** The one table of what the sandbox serves: add an API here and in its own file, nowhere else. */
import type { IncomingHttpHeaders } from "node:http";
import type { Endpoint } from "../usage/usage.ts";
import { speech, transcribe, translate } from "./audio.ts";
import {
  billing,
  credits,
  dashboardUsage,
  organizationCosts,
  ownBalance,
  relayStatus,
  subscription,
  tokenUsage,
  userBalance,
  userInfo,
} from "./billing.ts";
import type { Answer, Call } from "./call.ts";
import { chat } from "./chat.ts";
import { completions } from "./completions.ts";
import { echo } from "./echo.ts";
import { embeddings } from "./embeddings.ts";
import type { Family } from "./errors.ts";
import {
  batchEmbedContents,
  countTokens as countGeminiTokens,
  embedContent,
  generateContent,
  streamGenerateContent,
} from "./gemini.ts";
import { editImages, generateImages, varyImages } from "./images.ts";
import { listGeminiModels, listModels, oneGeminiModel, oneModel } from "./listing.ts";
import { countTokens as countMessageTokens, messages } from "./messages.ts";
import { moderations } from "./moderations.ts";
import { responses } from "./responses.ts";

export interface Route {
  readonly method: "GET" | "POST";
  /** The whole path, or a pattern whose captures become `Call.params`. */
  readonly path: string | RegExp;
  readonly endpoint: Endpoint;
  /** What the body must be; `any`: JSON or a form. */
  readonly body: "none" | "json" | "form" | "any";
  /** Needs no key. */
  readonly open?: boolean;
  answer(call: Call): Answer;
}

const post = (
  path: string | RegExp,
  endpoint: Endpoint,
  answer: Route["answer"],
  body: Route["body"] = "json",
): Route => ({ method: "POST", path, endpoint, body, answer });

const get = (path: string | RegExp, endpoint: Endpoint, answer: Route["answer"], open = false): Route => ({
  method: "GET",
  path,
  endpoint,
  body: "none",
  open,
  answer,
});

/** Gemini's methods follow the model's name after a colon. */
const gemini = (name: string): RegExp => new RegExp(`^/v1(?:beta)?/models/([^:]+):${name}$`);

export const routes: readonly Route[] = [
  post("/v1/chat/completions", "chat", chat),
  post("/v1/completions", "completions", completions),
  post("/v1/responses", "responses", responses),
  post("/v1/embeddings", "embeddings", embeddings),
  post("/v1/images/generations", "images", generateImages),
  post("/v1/images/edits", "images", editImages, "any"),
  post("/v1/images/variations", "images", varyImages, "form"),
  post("/v1/audio/speech", "audio", speech),
  post("/v1/audio/transcriptions", "audio", transcribe, "form"),
  post("/v1/audio/translations", "audio", translate, "form"),
  post("/v1/moderations", "other", moderations),
  get("/v1/models", "models", listModels),
  get(/^\/v1\/models\/([^:]+)$/, "models", oneModel),

  post("/v1/messages", "messages", messages),
  post("/v1/messages/count_tokens", "messages", countMessageTokens),

  get("/v1beta/models", "models", listGeminiModels),
  get(/^\/v1beta\/models\/([^:]+)$/, "models", oneGeminiModel),
  post(gemini("generateContent"), "generate", generateContent),
  post(gemini("streamGenerateContent"), "generate", streamGenerateContent),
  post(gemini("countTokens"), "generate", countGeminiTokens),
  post(gemini("embedContent"), "embeddings", embedContent),
  post(gemini("batchEmbedContents"), "embeddings", batchEmbedContents),

  get("/v1/billing", "other", billing),
  get("/v1/dashboard/billing/subscription", "other", subscription),
  get("/dashboard/billing/subscription", "other", subscription),
  get("/v1/dashboard/billing/usage", "other", dashboardUsage),
  get("/dashboard/billing/usage", "other", dashboardUsage),
  get("/api/usage/token/", "other", tokenUsage),
  get("/api/status", "other", relayStatus, true),
  get("/api/v1/credits", "other", credits),
  get("/user/balance", "other", userBalance),
  get("/v1/user/info", "other", userInfo),
  get("/v1/users/me/balance", "other", ownBalance),
  get("/v1/organization/costs", "other", organizationCosts),

  { method: "POST", path: "/v1/echo", endpoint: "other", body: "none", open: true, answer: echo },
  get("/v1/echo", "other", echo, true),
];

const exact = new Map<string, Route[]>();
const patterns: { readonly pattern: RegExp; readonly route: Route }[] = [];
for (const route of routes) {
  if (typeof route.path === "string") {
    exact.set(route.path, [...(exact.get(route.path) ?? []), route]);
  } else patterns.push({ pattern: route.path, route });
}

/** The routes that serve a path, whatever the method, with what their pattern captured. */
export function routesOf(
  path: string,
): readonly { readonly route: Route; readonly params: readonly string[] }[] {
  const found = exact.get(path);
  if (found !== undefined) return found.map((route) => ({ route, params: [] }));
  return patterns.flatMap(({ pattern, route }) => {
    const match = pattern.exec(path);
    return match === null ? [] : [{ route, params: match.slice(1).map(decode) }];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const GEMINI_METHOD = /^\/v1\/models\/[^:]+:[A-Za-z]+$/;

/** Whose conventions a path follows, for keys and errors. */
export function familyOf(path: string, headers: IncomingHttpHeaders): Family {
  if (path.startsWith("/v1beta/") || GEMINI_METHOD.test(path)) return "gemini";
  if (path === "/v1/messages" || path.startsWith("/v1/messages/")) return "anthropic";
  return headers["anthropic-version"] !== undefined && path.startsWith("/v1/models") ? "anthropic" : "openai";
}
