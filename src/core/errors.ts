/**
 * The error catalogue: every error Bellwether itself answers with. `code` is stable and may be relied
 * on; `message` says what to do. docs/errors.md is generated from this table and tested against it.
 */

/** The `type` label of errors: what went wrong, whoever's fault it was. */
export const errorTypes = [
  "timeout_connect",
  "timeout_first_byte",
  "timeout_idle",
  "unreachable",
  "reset",
  "auth",
  "rate_limit",
  "bad_request",
  "not_found",
  "upstream_5xx",
  "malformed",
  "client_gone",
  "rejected",
] as const;
export type ErrorType = (typeof errorTypes)[number];

/** Those that the upstream, or the way to it, is to blame for; not those of clients and of our own limits. */
export const faultTypes: readonly ErrorType[] = [
  "timeout_connect",
  "timeout_first_byte",
  "timeout_idle",
  "unreachable",
  "reset",
  "auth",
  "rate_limit",
  "upstream_5xx",
  "malformed",
];

interface ErrorEntry {
  /** HTTP status towards the client. */
  readonly status: number;
  readonly type: ErrorType;
  /** `{name}` stands for a detail given when the error is made. */
  readonly message: string;
}

export const errorCatalogue = {
  missing_api_key: {
    status: 401,
    type: "auth",
    message:
      "No API key was sent. Send one of this gateway's app keys as `Authorization: Bearer …`, `x-api-key`, `x-goog-api-key` or `?key=`.",
  },
  invalid_api_key: {
    status: 401,
    type: "auth",
    message:
      "The API key is not one of this gateway's app keys. Check it, or ask whoever runs the gateway for one.",
  },
  expired_api_key: {
    status: 401,
    type: "auth",
    message: "The API key has expired. Ask whoever runs the gateway for a new one.",
  },
  model_not_allowed: {
    status: 403,
    type: "auth",
    message: "App {app} may not use model {model}. It may use: {allowed}.",
  },
  endpoint_not_allowed: {
    status: 403,
    type: "auth",
    message: "App {app} may not make {endpoint} calls. It may make: {allowed}.",
  },
  rate_limited: {
    status: 429,
    type: "rejected",
    message: "More than {limit} {what} {span} for {scope}. Retry in {wait}.",
  },
  too_many_at_once: {
    status: 429,
    type: "rejected",
    message: "{limit} calls are running at once for {scope}, which is its limit. Retry when one has ended.",
  },
  budget_exceeded: {
    status: 429,
    type: "rejected",
    message:
      "The {window} budget of {scope} has no room for this call: {used} of {limit} are used or reserved, and the call may need {needed}. It is renewed at {renewed}. Lower the call's maximum of output tokens, or have the budget raised.",
  },
  unpriced_model: {
    status: 403,
    type: "rejected",
    message:
      "Model {model} has no price at upstream {upstream}, so that the budget of {scope} cannot count it. Have its price set under `upstreams.{upstream}.prices`, or `unpriced: allow` under the budget.",
  },
  limits_unavailable: {
    status: 503,
    type: "rejected",
    message:
      "The limits of {scope} cannot be checked, because the counters in Redis cannot be reached. Retry; `whenUnavailable: open` would let such calls through.",
  },
  unknown_path: {
    status: 404,
    type: "not_found",
    message: "{method} {path} is not relayed. Paths start with /v1 or /v1beta: check the client's base URL.",
  },
  no_upstream: {
    status: 404,
    type: "not_found",
    message:
      "No configured upstream serves {what}. Add it under `upstreams:` or `models:` in the configuration.",
  },
  no_route: {
    status: 404,
    type: "not_found",
    message:
      "Model {model} is only routed, and no rule is for this call. Add one for the rest under `routes:` in the configuration, as `{ name: rest, when: { model: {model} }, use: { model: … } }`.",
  },
  unknown_report: {
    status: 404,
    type: "not_found",
    message: "There is no report {name}. {known}",
  },
  bad_parameter: {
    status: 400,
    type: "bad_request",
    message: "Parameter {parameter}: {why}.",
  },
  admin_unauthorized: {
    status: 401,
    type: "auth",
    message:
      "Show the admin token: `Authorization: Bearer …`, or log in on the page. It is `server.adminToken`.",
  },
  admin_forbidden: {
    status: 403,
    type: "auth",
    message: "The admin API and the page are not open to this request: {why}. Configure `server.adminToken`.",
  },
  admin_throttled: {
    status: 429,
    type: "rejected",
    message: "Too many wrong admin tokens came from this address. Wait a minute.",
  },
  too_many_watchers: {
    status: 503,
    type: "rejected",
    message: "{limit} clients watch the events already. Close pages that nobody looks at, and try again.",
  },
  payload_too_large: {
    status: 413,
    type: "rejected",
    message: "The body is larger than the {limit} bytes that are read here. Send less.",
  },
  unknown_call: {
    status: 404,
    type: "not_found",
    message:
      "The ledger has no call {id}. Calls are there about a second after their end; `X-Request-Id` and `Server-Timing` of an answer name them.",
  },
  unknown_channel: {
    status: 404,
    type: "not_found",
    message: "There is no channel {name}. Configured: {known}.",
  },
  bad_payload: {
    status: 400,
    type: "bad_request",
    message: "{why}",
  },
  body_too_large: {
    status: 413,
    type: "rejected",
    message: "The request body is larger than {limit} bytes. Send less, or raise `server.bodyLimit`.",
  },
  headers_too_large: {
    status: 431,
    type: "rejected",
    message: "The request headers are larger than this gateway accepts. Send fewer or shorter headers.",
  },
  malformed_request: {
    status: 400,
    type: "rejected",
    message: "The request is not valid HTTP: {why}.",
  },
  request_timeout: {
    status: 408,
    type: "rejected",
    message: "The request did not arrive completely in time. Send it again.",
  },
  expectation_failed: {
    status: 417,
    type: "rejected",
    message: "The only expectation this gateway can meet is `100-continue`.",
  },
  upstream_connect_timeout: {
    status: 504,
    type: "timeout_connect",
    message:
      "Upstream {upstream} did not accept a connection within {limit} ms. Retry; check the network, or raise `timeouts.connect`.",
  },
  upstream_first_byte_timeout: {
    status: 504,
    type: "timeout_first_byte",
    message:
      "Upstream {upstream} did not begin to answer within {limit} ms. Retry, or raise `timeouts.firstByte`.",
  },
  upstream_idle_timeout: {
    status: 504,
    type: "timeout_idle",
    message:
      "Upstream {upstream} sent nothing for {limit} ms amid its answer. Retry, or raise `timeouts.idle`.",
  },
  upstream_total_timeout: {
    status: 504,
    type: "timeout_idle",
    message:
      "Upstream {upstream} did not finish within {limit} ms. Ask for less output, or raise `timeouts.total`.",
  },
  upstream_unreachable: {
    status: 502,
    type: "unreachable",
    message: "Upstream {upstream} cannot be reached ({why}). Check its address, DNS and TLS.",
  },
  upstream_reset: {
    status: 502,
    type: "reset",
    message: "Upstream {upstream} closed the connection before it answered. Retry.",
  },
  upstream_malformed: {
    status: 502,
    type: "malformed",
    message: "Upstream {upstream} answered with something that is not HTTP ({why}).",
  },
  hedge_lost: {
    status: 499,
    type: "client_gone",
    message:
      "Another attempt at the same call was answered. No client sees this: it marks attempts that were given up, in the ledger.",
  },
  ledger_unavailable: {
    status: 503,
    type: "rejected",
    message: "The ledger cannot be asked: {why}. Calls are recorded all the same; ask again later.",
  },
  ledger_full: {
    status: 503,
    type: "rejected",
    message:
      "The call cannot be recorded: the ledger's journal is full. Retry later; mend the ledger's database, or raise `ledger.journal.maxBytes`.",
  },
  local_rate_limit: {
    status: 429,
    type: "rejected",
    message:
      "The meter's own limit of {limit} {what} per {per} ms is reached. Retry after {retry} ms, or raise `rateLimit`.",
  },
  local_concurrency_limit: {
    status: 429,
    type: "rejected",
    message:
      "The meter's own limit of {limit} calls at a time is reached. Retry when one has ended, or raise `concurrency`.",
  },
  upstream_misconfigured: {
    status: 502,
    type: "rejected",
    message:
      "What the configuration adds to requests for upstream {upstream} is not valid HTTP ({why}). Correct its `headers`, `apiKey` or `baseUrl`.",
  },
  internal: {
    status: 500,
    type: "rejected",
    message:
      "Bellwether failed to handle the request; the log tells more under this request id. This is a bug: please report it.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error that Bellwether answers with; `code` identifies it across bundles and processes. */
export class BellwetherError extends Error {
  override readonly name = "BellwetherError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: ErrorType;

  constructor(code: ErrorCode, details: Readonly<Record<string, string | number>> = {}, cause?: unknown) {
    const entry: ErrorEntry = errorCatalogue[code];
    super(
      entry.message.replace(/\{(\w+)\}/g, (_, key: string) => String(details[key] ?? "?")),
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.status = entry.status;
    this.type = entry.type;
  }
}

/** The `type` label for an HTTP status of an upstream's answer, or undefined when it is no error. */
export function errorTypeOfStatus(status: number): ErrorType | undefined {
  if (status < 400) return undefined;
  if (status === 401 || status === 403) return "auth";
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limit";
  return status < 500 ? "bad_request" : "upstream_5xx";
}
