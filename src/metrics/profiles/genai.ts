/**
 * OpenTelemetry's GenAI metrics in their Prometheus form. Attributes and bounds follow the semantic
 * conventions: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
 */
import { catalogue } from "../catalogue.ts";
import type { LabelRule, Profile } from "./profile.ts";

/** The conventions' own operation names where they have one. */
export const operationNames: Readonly<Record<string, string>> = {
  chat: "chat",
  completions: "text_completion",
  responses: "chat",
  embeddings: "embeddings",
  images: "images",
  audio: "audio",
  messages: "chat",
  generate: "generate_content",
};

/** Lists of models and unknown paths are no operations of a model. */
const where = { endpoint: Object.keys(operationNames) };

const labels: Readonly<Record<string, LabelRule>> = {
  gen_ai_operation_name: { from: "endpoint", map: operationNames },
  gen_ai_provider_name: { upstream: "provider" },
  gen_ai_request_model: "model",
  gen_ai_response_model: "response_model",
  server_address: { upstream: "address" },
};

const powers = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => first * factor ** n);

/** Bounds that the conventions advise. */
export const genaiBounds = { duration: powers(0.01, 2, 16), tokens: powers(1, 4, 14) };

export const genai: Profile = {
  name: "genai",
  about: "OpenTelemetry's GenAI semantic conventions, in Prometheus form.",
  metrics: [
    {
      to: "gen_ai_client_operation_duration_seconds",
      type: "histogram",
      help: "Duration of a call to a model.",
      note: "`error_type` is empty, which to Prometheus is absent, where the call succeeded; else it is the `type` of bellwether_errors_total.",
      bounds: genaiBounds.duration,
      inputs: [{ from: catalogue.duration.name, labels: { ...labels, error_type: "error" }, where }],
    },
    {
      to: "gen_ai_client_token_usage",
      type: "histogram",
      help: "Tokens of a call to a model.",
      bounds: genaiBounds.tokens,
      inputs: [
        { from: catalogue.tokensPerCall.name, labels: { ...labels, gen_ai_token_type: "kind" }, where },
      ],
    },
    {
      to: "gen_ai_server_time_to_first_token_seconds",
      type: "histogram",
      help: "Time to the first output of the model.",
      bounds: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
      inputs: [{ from: catalogue.firstToken.name, labels, where }],
    },
    {
      to: "gen_ai_server_time_per_output_token_seconds",
      type: "histogram",
      help: "Mean time per output token after the first.",
      bounds: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
      inputs: [{ from: catalogue.perOutputToken.name, labels, where }],
    },
  ],
};
