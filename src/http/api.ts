/** The admin API's types: all that the page may know of the program. Money is exact decimal text in US dollars. */

/** Why a request was not answered. */
export interface ApiError {
  readonly error: { readonly code: string; readonly message: string };
}

export interface LoginState {
  /** A token is configured, so that one has to be shown. */
  readonly needsToken: boolean;
  /** This request may use the API. */
  readonly open: boolean;
}

/** How it goes now: of the last minute, unless said otherwise. */
export interface Overview {
  readonly version: string;
  readonly uptimeSeconds: number;
  /** Calls go to the built-in simulated relay. */
  readonly simulated: boolean;
  readonly upstreams: readonly string[];
  readonly callsPerSecond: number;
  /** 0 to 1; null without calls, as all that follow. */
  readonly errorRate: number | null;
  /** Milliseconds. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly firstTokenP50: number | null;
  readonly firstTokenP95: number | null;
  readonly tokensPerSecond: number;
  /** Calls of each of the last 60 seconds, the newest last. */
  readonly calls: readonly number[];
  readonly alertsFiring: number;
  /** The database is so many milliseconds behind; null when there is no ledger. */
  readonly ledgerLagMs: number | null;
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
