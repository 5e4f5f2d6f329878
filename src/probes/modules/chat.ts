/** A tiny streamed completion: that it comes, how soon the first token does, and how fast the others follow. */
import type { Upstream } from "../../upstreams/upstream.ts";
import { type Finding, type Probe, type ProbeContext, ProbeFailure, type ProbeRequest } from "../probe.ts";
import { checkCall, parseJson } from "../verdict.ts";
import { skewOf } from "./date.ts";

const PROMPT = "Count from 1 to 5, digits only.";
/** Enough for the five numbers, and for what some models say before. */
const MAX_TOKENS = 16;

/** How each API is asked, the first that the upstream speaks. */
const requests: readonly {
  readonly dialect: "openai-chat" | "anthropic-messages" | "gemini-generate";
  ask(model: string, limit: "max_tokens" | "max_completion_tokens"): ProbeRequest;
}[] = [
  {
    dialect: "openai-chat",
    ask: (model, limit) => ({
      method: "POST",
      path: "/v1/chat/completions",
      body: { model, stream: true, [limit]: MAX_TOKENS, messages: [{ role: "user", content: PROMPT }] },
    }),
  },
  {
    dialect: "anthropic-messages",
    ask: (model) => ({
      method: "POST",
      path: "/v1/messages",
      body: { model, stream: true, max_tokens: MAX_TOKENS, messages: [{ role: "user", content: PROMPT }] },
      headers: ["anthropic-version", "2023-06-01"],
    }),
  },
  {
    dialect: "gemini-generate",
    ask: (model) => ({
      method: "POST",
      path: `/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`,
      body: {
        contents: [{ role: "user", parts: [{ text: PROMPT }] }],
        generationConfig: { maxOutputTokens: MAX_TOKENS },
      },
    }),
  },
];

export const chat: Probe = {
  name: "chat",
  about: "a tiny streamed completion",
  model: "chat",
  costs: true,
  applies: (upstream) => spoken(upstream) !== undefined,
  run,
};

function spoken({ dialects }: Upstream) {
  return requests.find(({ dialect }) => dialects.has(dialect));
}

async function run({ upstream, model, call }: ProbeContext): Promise<Finding> {
  const api = spoken(upstream);
  if (api === undefined) throw new ProbeFailure("not_found", "the upstream speaks no chat API");
  let answer = await call(api.ask(model, "max_tokens"));
  // Some of OpenAI's models know only the option's newer name.
  if (answer.status === 400 && answer.body.includes("max_completion_tokens")) {
    answer = await call(api.ask(model, "max_completion_tokens"));
  }
  checkCall(answer, parseJson(answer.body), [upstream.apiKey]);
  const { firstByteMs, firstTokenMs, durationMs, quantities } = answer.usage;
  if (firstTokenMs === undefined) throw new ProbeFailure("malformed", "the stream ended without any output");
  const output = quantities.outputTokens ?? 0;
  return {
    phases: {
      ...(firstByteMs === undefined ? {} : { first_byte: firstByteMs }),
      first_token: firstTokenMs,
      ...(output < 2 ? {} : { per_token: (durationMs - firstTokenMs) / (output - 1) }),
    },
    key: "valid",
    clockSkewMs: skewOf(answer.headers),
  };
}
