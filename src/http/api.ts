/** The admin API's types: all that the page may know of the program. Money is exact decimal text in US dollars. */

export type { ReportResult, ReportTable, Unit } from "../ledger/reports/report.ts";
export type * from "./api-routes.ts";

/** Why a request was not answered. */
export interface ApiError {
  readonly error: Problem;
}

/** `code` is stable: see docs/errors.md. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface LoginState {
  /** A token is configured, so that one has to be shown. */
  readonly needsToken: boolean;
  /** This request may use the API. */
  readonly open: boolean;
}

/** GET /api/session: what a page has to know first. Anybody gets an answer; `about` only who may use the API. */
export interface Session extends LoginState {
  /** Why this request may not use the API; null when it may. With `needsToken` a login helps, else nothing here does. */
  readonly problem: Problem | null;
  readonly about: About | null;
}

export interface About {
  readonly version: string;
  /** Milliseconds since the epoch, as all times are. */
  readonly startedAt: number;
  /** The server's clock: the page's may differ. */
  readonly now: number;
  /** IANA name: where days and months begin unless a request says `tz`. */
  readonly timeZone: string;
  /** Of all money. */
  readonly currency: "USD";
  /** Calls go to the built-in simulated relay. */
  readonly simulated: boolean;
  readonly auth: "none" | "passthrough" | "keys";
  /** The configuration file; null when everything comes from the environment. */
  readonly file: string | null;
  readonly upstreams: readonly string[];
  readonly apps: readonly string[];
  readonly models: readonly string[];
  readonly channels: readonly string[];
  /** Null when it is switched off: then there are no reports, calls and month's figures. */
  readonly ledger: {
    readonly kind: "duckdb" | "clickhouse";
    /** Days that stay in the database; null: all. */
    readonly retentionDays: number | null;
  } | null;
  /** Probes run on their own. */
  readonly probes: boolean;
  /** How many budgets are configured. */
  readonly budgets: number;
}

/** What the ledger says was spent, on all upstreams; probes are left out, as in reports. */
export interface Spend {
  /** When the ledger was asked. */
  readonly at: number;
  readonly todayUsd: string;
  readonly monthUsd: string;
  /** Input and output. */
  readonly monthTokens: number;
  /** What the month will have cost when it ends. */
  readonly projectedUsd: string;
  /** Holds 80 of 100 months; null with less than two days to judge by. */
  readonly range: { readonly lowUsd: string; readonly highUsd: string } | null;
  /** `seasonal`: by the hours of the week; `linear` with less than two weeks of history. */
  readonly method: "seasonal" | "linear";
}

/** Traffic of the last minute. */
export interface LiveFigures {
  readonly callsPerSecond: number;
  /** 0 to 1; null without calls. */
  readonly errorRate: number | null;
  /** Milliseconds, within 0.6 %; null without calls. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly firstTokenP50: number | null;
  readonly firstTokenP95: number | null;
  readonly tokensPerSecond: number;
  /** Calls of each of the last 60 seconds, the newest last. */
  readonly calls: readonly number[];
}

/** How it goes now. */
export interface Overview extends LiveFigures {
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Calls go to the built-in simulated relay. */
  readonly simulated: boolean;
  readonly upstreams: readonly string[];
  readonly alertsFiring: number;
  /** The database is so many milliseconds behind; null when there is no ledger. */
  readonly ledgerLagMs: number | null;
  /** Why the ledger cannot be asked or written; null when it can, or when there is none. */
  readonly ledgerProblem: string | null;
  /** Null when there is no ledger, or it has not told yet. */
  readonly spend: Spend | null;
}

export interface AlertRow {
  readonly name: string;
  readonly state: "inactive" | "pending" | "firing";
  readonly severity: "critical" | "warning" | "info";
  readonly labels: Readonly<Record<string, string>>;
  /** As people read it; null while there is none. */
  readonly value: string | null;
  /** Milliseconds since the epoch; null while it is inactive. */
  readonly since: number | null;
  /** Why nobody is told, or null. */
  readonly muted: string | null;
  /** What is computed, as PromQL. */
  readonly expression: string;
  readonly summary: Readonly<Record<string, string>>;
}

export interface AlertEventRow {
  readonly at: number;
  readonly what: "fired" | "resolved";
  readonly name: string;
  readonly severity: string;
  readonly summary: string;
}

export interface SilenceRow {
  readonly id: string;
  readonly matchers: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly until: number;
  readonly comment: string;
}

export interface AlertsAnswer {
  readonly alerts: readonly AlertRow[];
  /** The newest first. */
  readonly events: readonly AlertEventRow[];
  readonly silences: readonly SilenceRow[];
}

export interface NewSilence {
  readonly matchers: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly duration: number;
  readonly comment?: string;
}

/** One call as lists show it. */
export interface CallRow {
  readonly id: string;
  readonly startedAt: number;
  readonly app: string;
  readonly team: string;
  /** `none` when the call was refused before one was chosen. */
  readonly upstream: string;
  readonly endpoint: string;
  readonly model: string;
  readonly route: string;
  readonly streaming: boolean;
  readonly probe: boolean;
  /** The process died while it ran: nothing but its start is known. */
  readonly interrupted: boolean;
  /** The HTTP status that the client saw (499: it had gone); null when it was interrupted. */
  readonly status: number | null;
  readonly errorType: string | null;
  readonly errorCode: string | null;
  readonly durationMs: number;
  readonly firstTokenMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly source: "reported" | "estimated" | "partial" | "missing";
  /** Exact decimal text; null when the model has no price. */
  readonly costUsd: string | null;
  readonly listCostUsd: string | null;
  /** Attempts after the first. */
  readonly retries: number;
}

/**
 * GET /api/calls?from=&to=&tz=&app=&model=&upstream=&status=&error=&endpoint=&team=&route=&id=&trace=&limit=&cursor=
 * The filters are those of reports (`*` stands for any text, `status=5*`), 50 calls a page, 500 at most.
 */
export interface CallsAnswer {
  /** The range asked of: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
  /** The newest first. */
  readonly calls: readonly CallRow[];
  /** `cursor` of the next, older page, with all other parameters as they were; null on the last. */
  readonly next: string | null;
}

/**
 * What happened when, in milliseconds after the request's head had arrived. `sent` is the last attempt: before it lie
 * reading, limits, waiting, and attempts that failed.
 */
export interface CallEvent {
  readonly what: "received" | "sent" | "first_byte" | "first_token" | "end";
  readonly at: number;
}

/** One line of what a call cost. */
export interface CallCharge {
  /** What is charged for: `input`, `cachedInput`, `output`, `image`, … */
  readonly kind: string;
  /** Whose price it is: the kind's own, or that of the kind it falls back to. */
  readonly pricedAs: string;
  readonly quantity: number;
  /** Of one million tokens or characters, of one image or request, of an hour of audio; null without a price. */
  readonly priceUsd: string | null;
  readonly per: "1M" | "1" | "hour";
  readonly costUsd: string | null;
}

/** How a price came about, by the prices in force for the time of the call. */
export interface CallPrice {
  /** The model as the price list names it. */
  readonly model: string;
  /** `own` prices of the configuration, the list of the upstream's `preset`, or the vendor's `list`. */
  readonly layer: "own" | "preset" | "list";
  readonly list: string;
  readonly source: string;
  readonly date: string;
  /** How the name asked for led to this price, and what else to know. */
  readonly notes: readonly string[];
  readonly charges: readonly CallCharge[];
  /** Their sum. */
  readonly totalUsd: string | null;
  /** False when it is not what the call was booked at: prices have changed since, or depend on what is not kept. */
  readonly asBooked: boolean;
}

/** GET /api/calls/:id */
export interface CallDetail extends CallRow {
  readonly modelRequested: string;
  readonly modelSent: string;
  readonly modelAnswered: string;
  readonly method: string;
  readonly path: string;
  readonly traceId: string;
  readonly upstreamRequestId: string;
  readonly serviceTier: string;
  /** Usage is expected of such a call. */
  readonly billable: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Spent in Bellwether, waiting neither for client nor upstream. */
  readonly overheadMs: number;
  readonly events: readonly CallEvent[];
  /** What was reported or counted, by the names of docs/ledger.md (`inputTokens`, `cachedInputTokens`, …). */
  readonly quantities: Readonly<Record<string, number>>;
  /** How the cost came about; null when the model has no price at the upstream. */
  readonly cost: CallPrice | null;
  /** The same at the vendor's list price; null when there is none. */
  readonly listCost: CallPrice | null;
}

/** One budget in its present period. */
export interface BudgetRow {
  readonly scope: "all" | "app" | "team" | "upstream" | "model";
  readonly name: string;
  readonly per: "day" | "week" | "month";
  readonly unit: "usd" | "tokens";
  /** Dollars as decimal text, or tokens. */
  readonly limit: string;
  /** Null when the counters cannot be reached. */
  readonly used: string | null;
  /** What will have been used when the period ends; null when nobody can tell. */
  readonly projected: string | null;
  readonly periodStart: number;
  readonly periodEnd: number;
  readonly onExceeded: "warn" | "downgrade" | "block";
  /** Shares of the limit that are warned at, 0 to 1. */
  readonly warnAt: readonly number[];
  /** `ok`; `warning`: a share of `warnAt` is reached; `exceeded`; `unknown`. */
  readonly state: "ok" | "warning" | "exceeded" | "unknown";
}

/** GET /api/budgets */
/** Of `POST /api/import`. */
export interface ImportAnswer {
  /** That were sent. */
  readonly calls: number;
  /** Of them those that were not there yet. */
  readonly added: number;
}

export interface BudgetsAnswer {
  readonly budgets: readonly BudgetRow[];
  /** Why there are no projections, or they are plain ones, or null. */
  readonly note: string | null;
}

/** The last minute of one upstream, app or model. */
export interface LiveRow {
  readonly calls: number;
  /** 0 to 1; null without calls. */
  readonly errorRate: number | null;
}

export interface ProbeRow {
  readonly probe: string;
  readonly model: string;
  /** `success`, or what was wrong. */
  readonly outcome: string;
  readonly success: boolean;
  readonly message: string;
  readonly at: number;
  readonly durationMs: number;
  readonly lastSuccessAt: number | null;
}

export interface AccountRow {
  readonly currency: string;
  readonly balance: number | null;
  readonly used: number | null;
  readonly limit: number | null;
  readonly unlimited: boolean;
  /** How fast the balance falls, a day; null while that is not known. */
  readonly burnPerDay: number | null;
  /** When nothing will be left; null when it does not fall, or that is not known. */
  readonly exhaustedAt: number | null;
}

export interface UpstreamKeyRow {
  /** `valid`, `invalid`, `expired`, `no_quota`, `unknown`. */
  readonly state: string;
  readonly expiresAt: number | null;
}

export interface UpstreamRow {
  readonly name: string;
  readonly provider: string;
  readonly baseUrl: string;
  readonly dialects: readonly string[];
  readonly simulated: boolean;
  /** Of what its breaker, probes, the key and the last minute's attempts say, the worst. */
  readonly health: "ok" | "degraded" | "down" | "unknown";
  /** Why it is not `ok`; "" when it is. */
  readonly why: string;
  /** Of its models the worst: an open one is left alone for a while. */
  readonly breaker: "closed" | "half-open" | "open";
  /** Models for which it is left alone because others fare far better, why, and for how many seconds still. */
  readonly ejected: readonly { readonly model: string; readonly why: string; readonly forSeconds: number }[];
  /** Of its keys the one in the worst state. */
  readonly key: UpstreamKeyRow;
  /** In the order of the configuration. */
  readonly keys: readonly UpstreamKeyRow[];
  /** Attempts there: those that failed before another upstream answered count too. */
  readonly lastMinute: LiveRow;
  readonly probes: readonly ProbeRow[];
  readonly accounts: readonly AccountRow[];
  /** When the accounts were read; null when they were not. */
  readonly accountsAt: number | null;
  readonly certificateExpiresAt: number | null;
  /** How many models it lists; null when that was not asked. */
  readonly modelsListed: number | null;
  readonly monthUsd: string | null;
  readonly monthProjectedUsd: string | null;
}

/** GET /api/upstreams */
export interface UpstreamsAnswer {
  readonly upstreams: readonly UpstreamRow[];
}

export interface AppRow {
  readonly name: string;
  readonly team: string;
  /** What reports can group by as `label:` and its name. */
  readonly labels: Readonly<Record<string, string>>;
  /** How many keys it has, and how many of them have expired. */
  readonly keys: number;
  readonly expiredKeys: number;
  /** Models and endpoints it may use; null: all. */
  readonly models: readonly string[] | null;
  readonly endpoints: readonly string[] | null;
  readonly lastMinute: LiveRow;
}

/** GET /api/apps: those of the configuration, and `anonymous` when it may call. */
export interface AppsAnswer {
  readonly apps: readonly AppRow[];
}
