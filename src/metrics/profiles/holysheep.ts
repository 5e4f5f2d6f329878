/** Names of the dashboards that HolySheep's tutorials build. */
import { catalogue } from "../catalogue.ts";
import { endpointPath } from "./endpoints.ts";
import type { LabelRule, Profile } from "./profile.ts";

/** The exception names of those dashboards. */
const ERROR_TYPE: LabelRule = {
  from: "type",
  map: {
    timeout_connect: "Timeout",
    timeout_first_byte: "Timeout",
    timeout_idle: "Timeout",
    unreachable: "ConnectionError",
    reset: "ConnectionError",
    auth: "Unauthorized",
    rate_limit: "RateLimit",
    bad_request: "BadRequest",
    not_found: "NotFound",
    upstream_5xx: "ServerError",
    malformed: "InvalidResponse",
    client_gone: "ClientGone",
    rejected: "Rejected",
  },
};

/** The Python client library's default bounds, which contain those of the Go and Node.js libraries. */
export const LIBRARY_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const USD_ONLY = "Accounts in US dollars only: other currencies are not added to them.";

export const holysheep: Profile = {
  name: "holysheep",
  about: "The `holysheep_…` names.",
  metrics: [
    {
      to: "holysheep_requests_total",
      type: "counter",
      help: "Calls by HTTP status.",
      inputs: [
        {
          from: catalogue.requests.name,
          labels: { model: "model", status: "status", endpoint: "endpoint" },
        },
      ],
    },
    {
      to: "holysheep_request_duration_seconds",
      type: "histogram",
      help: "Time from the arrival of a call to the end of its answer.",
      bounds: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      inputs: [{ from: catalogue.duration.name, labels: { model: "model", endpoint: "endpoint" } }],
    },
    {
      to: "holysheep_request_latency_seconds",
      type: "histogram",
      help: "The same duration by path, with the bounds that client libraries start with.",
      bounds: LIBRARY_BOUNDS,
      inputs: [{ from: catalogue.duration.name, labels: { endpoint: endpointPath("") } }],
    },
    {
      to: "holysheep_tokens_total",
      type: "counter",
      help: "Tokens of prompts and completions.",
      inputs: [
        { from: catalogue.inputTokens.name, labels: { model: "model", type: { value: "prompt" } } },
        { from: catalogue.outputTokens.name, labels: { model: "model", type: { value: "completion" } } },
      ],
    },
    {
      to: "holysheep_cost_total",
      type: "counter",
      help: "Cost in US dollars.",
      inputs: [{ from: catalogue.cost.name, labels: { model: "model" } }],
    },
    {
      to: "holysheep_errors_total",
      type: "counter",
      help: "Failed calls by kind of error.",
      inputs: [{ from: catalogue.errors.name, labels: { error_type: ERROR_TYPE } }],
    },
    {
      to: "holysheep_quota_used",
      type: "gauge",
      help: "Quota that has been used up.",
      note: USD_ONLY,
      inputs: [{ from: catalogue.quotaUsed.name, labels: {}, where: { currency: ["USD"] } }],
    },
    {
      to: "holysheep_quota_total",
      type: "unknown",
      help: "Quota in all.",
      note: `Without a type: a gauge must not end in \`_total\`. ${USD_ONLY}`,
      inputs: [{ from: catalogue.quotaLimit.name, labels: {}, where: { currency: ["USD"] } }],
    },
    {
      to: "holysheep_budget_remaining",
      type: "gauge",
      help: "What is left on the accounts, in US dollars.",
      note: USD_ONLY,
      inputs: [{ from: catalogue.balance.name, labels: {}, where: { currency: ["USD"] } }],
    },
  ],
};
