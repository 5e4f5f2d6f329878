/** The one table of what the sandbox serves: add an API here and in its own file, nowhere else. */
import type { IncomingHttpHeaders } from "node:http";
import type { Endpoint } from "../usage/usage.ts";
import type { Answer, Call } from "./call.ts";
import { chat } from "./chat.ts";
import type { Family } from "./errors.ts";
import { listGeminiModels, listModels, oneGeminiModel, oneModel } from "./listing.ts";
import { countTokens, messages } from "./messages.ts";

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

export const routes: readonly Route[] = [
  { method: "POST", path: "/v1/chat/completions", endpoint: "chat", body: "json", answer: chat },
  { method: "POST", path: "/v1/messages", endpoint: "messages", body: "json", answer: messages },
  {
    method: "POST",
    path: "/v1/messages/count_tokens",
    endpoint: "messages",
    body: "json",
    answer: countTokens,
  },
  { method: "GET", path: "/v1/models", endpoint: "models", body: "none", answer: listModels },
  { method: "GET", path: /^\/v1\/models\/(.+)$/, endpoint: "models", body: "none", answer: oneModel },
  { method: "GET", path: "/v1beta/models", endpoint: "models", body: "none", answer: listGeminiModels },
  {
    method: "GET",
    path: /^\/v1beta\/models\/([^:]+)$/,
    endpoint: "models",
    body: "none",
    answer: oneGeminiModel,
  },
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

/** Whose conventions a path follows, for keys and errors. */
export function familyOf(path: string, headers: IncomingHttpHeaders): Family {
  if (path.startsWith("/v1beta/")) return "gemini";
  if (path === "/v1/messages" || path.startsWith("/v1/messages/")) return "anthropic";
  return headers["anthropic-version"] !== undefined && path.startsWith("/v1/models") ? "anthropic" : "openai";
}
