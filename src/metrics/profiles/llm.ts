/** Names of dashboards for LLM applications, with those of a generic web service among them. */
import { catalogue } from "../catalogue.ts";
import { endpointPath } from "./endpoints.ts";
import { LIBRARY_BOUNDS } from "./holysheep.ts";
import type { Profile } from "./profile.ts";

const V1 = endpointPath("/v1/");
const PATH = { from: V1.from, map: { ...V1.map, generate: "/v1beta/models:generateContent" } };

export const llm: Profile = {
  name: "llm",
  about: "The `llm_…`, `holy_sheep_…`, `http_…` and `MODEL_PRICING_output` names.",
  metrics: [
    {
      to: "llm_requests_total",
      type: "counter",
      help: "Calls by HTTP status.",
      inputs: [
        { from: catalogue.requests.name, labels: { model: "model", status: "status", endpoint: PATH } },
      ],
    },
    {
      to: "llm_request_duration_seconds",
      type: "histogram",
      help: "Time from the arrival of a call to the end of its answer.",
      bounds: [0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      inputs: [{ from: catalogue.duration.name, labels: { model: "model", endpoint: PATH } }],
    },
    {
      to: "llm_tokens_consumed_total",
      type: "counter",
      help: "Tokens of prompts and completions.",
      inputs: [
        { from: catalogue.inputTokens.name, labels: { model: "model", type: { value: "prompt" } } },
        { from: catalogue.outputTokens.name, labels: { model: "model", type: { value: "completion" } } },
      ],
    },
    {
      to: "llm_active_requests",
      type: "gauge",
      help: "Calls that have started and not ended.",
      inputs: [{ from: catalogue.inFlight.name, labels: { model: "model" } }],
    },
    {
      to: "holy_sheep_monthly_cost",
      type: "gauge",
      help: "Cost of this month in US dollars.",
      inputs: [{ from: "bellwether_month_cost_usd", labels: {} }],
    },
    {
      to: "holy_sheep_projected_monthly_cost",
      type: "gauge",
      help: "Cost of this month in US dollars if it goes on like this.",
      inputs: [{ from: "bellwether_month_projected_cost_usd", labels: {} }],
    },
    {
      to: "holy_sheep_monthly_tokens",
      type: "gauge",
      help: "Tokens of this month.",
      inputs: [{ from: "bellwether_month_tokens", labels: {} }],
    },
    {
      to: "holy_sheep_auth_failures_total",
      type: "counter",
      help: "Calls that failed because a key was refused.",
      inputs: [{ from: catalogue.errors.name, labels: {}, where: { type: ["auth"] } }],
    },
    {
      to: "http_requests_total",
      type: "counter",
      help: "Calls by HTTP method and status.",
      inputs: [
        { from: catalogue.requests.name, labels: { method: "method", status: "status", endpoint: PATH } },
      ],
    },
    {
      to: "http_request_duration_seconds",
      type: "histogram",
      help: "Time from the arrival of a call to the end of its answer.",
      bounds: LIBRARY_BOUNDS,
      inputs: [{ from: catalogue.duration.name, labels: { method: "method", endpoint: PATH } }],
    },
    {
      to: "MODEL_PRICING_output",
      type: "gauge",
      help: "Price in US dollars per million output tokens.",
      note: "Where upstreams charge differently for one model, the highest price.",
      combine: "max",
      inputs: [{ from: catalogue.price.name, labels: { model: "model" }, where: { kind: ["output"] } }],
    },
  ],
};
