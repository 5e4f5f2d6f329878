/**
 * The scenarios of `bellwether scenarios`: what is done to an upstream, what a good one answers, and which
 * series have to move. A scenario is one entry of this table.
 */

/** What one call came to. */
export interface Seen {
  /** 0 where there was no answer. */
  readonly status: number;
  /** The code of an error that the client got instead of, or amid, an answer; "" when it got none. */
  readonly code: string;
  readonly body: string;
}

/** What a scenario is given to work with. */
export interface Bench {
  readonly model: string;
  call(path: string, options?: CallOptions): Promise<Seen>;
}

export interface CallOptions {
  readonly body?: object;
  /** In place of the upstream's own. */
  readonly key?: string;
  /** What the sandbox is to do: its `x-sandbox` header. */
  readonly knobs?: string;
  /** Leave after the first piece of the answer. */
  readonly leave?: boolean;
  /** Milliseconds to the head of the answer. */
  readonly firstByte?: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** For people: the answer of an upstream that is well; 19 characters at most, for the table. */
  readonly expected: string;
  /** Needs faults that only the simulated relay produces on request. */
  readonly sandboxOnly?: true;
  run(bench: Bench): Promise<Seen>;
  /** What is wrong with what was seen, or undefined. */
  fault(seen: Seen, bench: Bench): string | undefined;
  /** Series that must have grown. Labels not named may have any value. */
  readonly moves: readonly Movement[];
}

export interface Movement {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
}

const CHAT = "/chat/completions";
/** Larger than any model's context: nobody is charged for it. */
const OVERSIZED_CHARACTERS = 16 * 1024 * 1024;
const SANDBOX_LIMIT_BYTES = 1024 * 1024;
const PATIENCE_MS = 500;
/** As slow as a model: else a stream is over before it can be left. */
const TYPING = "tokensPerSecond=50; output=400";
const WRONG_KEY = "sk-bellwether-scenario-wrong-key";

const hello = (model: string, more: object = {}): object => ({
  model,
  messages: [{ role: "user", content: "Answer with the one word: yes" }],
  max_tokens: 16,
  ...more,
});

const moved = (metric: string, labels: Movement["labels"] = {}): Movement => ({ metric, labels });
const request = (status: string): Movement => moved("bellwether_requests_total", { status });
const error = (type: string): Movement => moved("bellwether_errors_total", { type });
const usage = (source: string): Movement => moved("bellwether_usage_records_total", { source });
const tokens = [moved("bellwether_input_tokens_total"), moved("bellwether_output_tokens_total")];

/** Judges the status alone. */
const status =
  (...wanted: number[]) =>
  (seen: Seen): string | undefined =>
    wanted.includes(seen.status) ? undefined : said(seen);

/** Judges how a call broke off. */
const code =
  (wanted: string) =>
  (seen: Seen): string | undefined =>
    seen.code === wanted ? undefined : said(seen);

/** What was seen instead, for people. */
function said({ status, code, body }: Seen): string {
  const line = body.replaceAll(/\s+/g, " ").slice(0, 120);
  return [status === 0 ? "no answer" : `status ${status}`, code, line]
    .filter((part) => part !== "")
    .join(", ");
}

export const scenarios: readonly Scenario[] = [
  {
    name: "models",
    about: "the list of models",
    expected: "200 with the model",
    run: ({ call }) => call("/models"),
    fault(seen, { model }) {
      if (seen.status !== 200) return said(seen);
      return seen.body.includes(JSON.stringify(model)) ? undefined : `${model} is not in the list`;
    },
    moves: [moved("bellwether_requests_total", { endpoint: "models", status: "200" })],
  },
  {
    name: "chat",
    about: "a normal call",
    expected: "200 with usage",
    run: ({ call, model }) => call(CHAT, { body: hello(model) }),
    fault: (seen) =>
      status(200)(seen) ?? (seen.body.includes('"usage"') ? undefined : "no usage in the answer"),
    moves: [request("200"), usage("reported"), ...tokens],
  },
  {
    name: "stream",
    about: "a normal call, streamed",
    expected: "200, whole, usage",
    run: ({ call, model }) => call(CHAT, { body: hello(model, { stream: true }) }),
    fault: (seen) =>
      status(200)(seen) ?? (seen.body.includes("[DONE]") ? undefined : "the stream has no [DONE]"),
    moves: [
      request("200"),
      usage("reported"),
      ...tokens,
      moved("bellwether_time_to_first_token_seconds_count"),
    ],
  },
  {
    name: "left stream",
    about: "a client that leaves amid a stream",
    expected: "200, counted as 499",
    run: ({ call, model }) =>
      call(CHAT, { body: hello(model, { stream: true, max_tokens: 400 }), leave: true, knobs: TYPING }),
    fault: status(200),
    moves: [request("499"), error("client_gone"), usage("partial")],
  },
  {
    name: "wrong key",
    about: "a key that is not one",
    expected: "401",
    run: ({ call, model }) => call(CHAT, { body: hello(model), key: WRONG_KEY }),
    fault: status(401),
    moves: [request("401"), error("auth")],
  },
  {
    name: "unknown model",
    about: "a model that does not exist",
    expected: "404 or 400",
    run: ({ call }) => call(CHAT, { body: hello("bellwether-scenario-no-such-model") }),
    fault: status(404, 400),
    moves: [moved("bellwether_errors_total")],
  },
  {
    name: "oversized body",
    about: "a body that is too large",
    expected: "413 or 400",
    run: ({ call, model }) => {
      const messages = [{ role: "user", content: "x".repeat(OVERSIZED_CHARACTERS) }];
      return call(CHAT, {
        body: { model, messages, max_tokens: 1 },
        knobs: `bodyLimit=${SANDBOX_LIMIT_BYTES}`,
      });
    },
    fault: status(413, 400),
    moves: [error("bad_request")],
  },
  {
    name: "rate limit",
    about: "too many calls",
    expected: "429",
    sandboxOnly: true,
    run: ({ call, model }) => call(CHAT, { body: hello(model), knobs: "status=429; retryAfter=7" }),
    fault: status(429),
    moves: [request("429"), error("rate_limit")],
  },
  {
    name: "timeout",
    about: "an answer that does not come",
    expected: `error after ${PATIENCE_MS} ms`,
    sandboxOnly: true,
    run: ({ call, model }) => call(CHAT, { body: hello(model), knobs: "hang=head", firstByte: PATIENCE_MS }),
    fault: code("upstream_first_byte_timeout"),
    moves: [request("504"), error("timeout_first_byte")],
  },
  {
    name: "cut stream",
    about: "a connection that breaks amid a stream",
    expected: "error, part counted",
    sandboxOnly: true,
    run: ({ call, model }) =>
      call(CHAT, { body: hello(model, { stream: true }), knobs: "reset=stream; after=3" }),
    fault: code("upstream_reset"),
    moves: [error("reset"), usage("partial")],
  },
];
