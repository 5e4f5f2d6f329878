/** Names of provider-neutral dashboards, with milliseconds and cents. */
import { catalogue } from "../catalogue.ts";
import { endpointPath } from "./endpoints.ts";
import type { LabelRule, Profile } from "./profile.ts";

const PROVIDER: LabelRule = { upstream: "provider" };
const PATH = endpointPath("/");

/** An answer with an error status is `http_…`; no answer in time `timeout`; anything else `exception`. */
const ERROR_TYPE: LabelRule = {
  from: "type",
  map: {
    timeout_connect: "timeout",
    timeout_first_byte: "timeout",
    timeout_idle: "timeout",
    unreachable: "exception",
    reset: "exception",
    auth: "http_{status}",
    rate_limit: "http_{status}",
    bad_request: "http_{status}",
    not_found: "http_{status}",
    upstream_5xx: "http_{status}",
    malformed: "exception",
    client_gone: "exception",
    rejected: "http_{status}",
  },
};

export const aiApi: Profile = {
  name: "ai_api",
  about: "The `ai_api_…` names.",
  metrics: [
    {
      to: "ai_api_requests_total",
      type: "counter",
      help: "Calls by HTTP status.",
      inputs: [
        {
          from: catalogue.requests.name,
          labels: { provider: PROVIDER, model: "model", endpoint: PATH, status_code: "status" },
        },
      ],
    },
    {
      to: "ai_api_request_duration_milliseconds",
      type: "histogram",
      help: "Time from the arrival of a call to the end of its answer, in milliseconds.",
      note: "The one name that `promtool check metrics` complains of: it wants seconds in any name and type.",
      bounds: [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000],
      scale: 1000,
      inputs: [
        {
          from: catalogue.duration.name,
          labels: { provider: PROVIDER, model: "model", endpoint: PATH },
        },
      ],
    },
    {
      to: "ai_api_input_tokens_total",
      type: "counter",
      help: "Input tokens.",
      inputs: [{ from: catalogue.inputTokens.name, labels: { provider: PROVIDER, model: "model" } }],
    },
    {
      to: "ai_api_output_tokens_total",
      type: "counter",
      help: "Output tokens.",
      inputs: [{ from: catalogue.outputTokens.name, labels: { provider: PROVIDER, model: "model" } }],
    },
    {
      to: "ai_api_cost_usd_cents",
      type: "unknown",
      help: "Cost in US cents since the start.",
      note: "A counter, but without a type: both formats want a counter to end in `_total`. `rate()` and `increase()` do not look at types.",
      scale: 100,
      inputs: [
        {
          from: catalogue.cost.name,
          labels: { provider: PROVIDER, model: "model", cost_type: { value: "total" } },
        },
      ],
    },
    {
      to: "ai_api_errors_total",
      type: "counter",
      help: "Failed calls by kind of error.",
      inputs: [
        {
          from: catalogue.errors.name,
          labels: { provider: PROVIDER, model: "model", error_type: ERROR_TYPE },
        },
      ],
    },
    {
      to: "ai_api_rate_limit_remaining",
      type: "gauge",
      help: "Requests that the rate limit still allowed at the last answer.",
      inputs: [
        {
          from: catalogue.rateLimitRemaining.name,
          labels: { provider: PROVIDER, model: "model" },
          where: { resource: ["requests"] },
        },
      ],
    },
    {
      to: "ai_api_batch_size",
      type: "histogram",
      help: "Calls in flight when a call started, itself included.",
      bounds: [1, 5, 10, 25, 50, 100],
      inputs: [{ from: catalogue.concurrency.name, labels: { provider: PROVIDER, model: "model" } }],
    },
  ],
};
