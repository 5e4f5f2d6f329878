/** The part of the admin API's types (api.ts) that is about routing rules. */

/** A call to be routed, which is not made. Nothing of it is stored or logged. */
export interface RouteQuestion {
  /** The model that is asked for. */
  readonly model: string;
  /** What the user writes. */
  readonly prompt?: string;
  /** A configured app; `anonymous` unless given. */
  readonly app?: string;
  /** `chat` unless given. */
  readonly endpoint?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tools?: boolean;
  readonly images?: boolean;
  readonly json?: boolean;
  readonly streaming?: boolean;
  readonly reasoning?: string;
  /** The end user that the request names. */
  readonly user?: string;
  /** In place of an estimate from the prompt. */
  readonly inputTokens?: number;
  readonly maxOutputTokens?: number;
  /** Milliseconds since the epoch; now unless given. */
  readonly at?: number;
}

export interface RoutePlace {
  readonly upstream: string;
  readonly model: string;
}

/** Where such a call would go, and why. */
export interface RouteExplanation {
  /** The rules that decide, one after the other; `default` where none does. */
  readonly route: string;
  /** How it was chosen: `rule`, a strategy's name, … */
  readonly reason: string;
  /** Null where the call would be refused; `problem` tells why. */
  readonly place: RoutePlace | null;
  /** Where it goes on when that fails, in order. */
  readonly fallbacks: readonly RoutePlace[];
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly steps: readonly RouteExplanationStep[];
}

/** One asking of the rules: they are asked again where one names a model that is only routed. */
export interface RouteExplanationStep {
  readonly model: string;
  /** Up to the rule that decided, in the order in which they were asked. */
  readonly verdicts: readonly RouteVerdict[];
}

export interface RouteVerdict {
  readonly rule: string;
  readonly priority: number;
  readonly outcome: string;
  readonly conditions: readonly {
    readonly key: string;
    readonly wants: string;
    /** What the call has; never text of the prompt. */
    readonly found: string;
    readonly holds: boolean;
  }[];
  /** Where it sends calls. */
  readonly use: string;
  /** What it chose among, where it decided and had a choice. */
  readonly options: readonly (RoutePlace & {
    /** What is known of it: `about 0.0012 USD`, `350 ms`, `3 in flight`. */
    readonly notes: readonly string[];
  })[];
}

export interface RouteRow {
  readonly name: string;
  readonly priority: number;
  /** Each as `app: shop or ci`. */
  readonly when: readonly string[];
  readonly use: string;
  /** Whether it takes calls at the moment, where it goes by how calls fare; null where it does not. */
  readonly active: boolean | null;
}

export interface RoutesAnswer {
  /** In the order in which they are asked. */
  readonly routes: readonly RouteRow[];
  /** Models that only routes decide on. */
  readonly virtualModels: readonly string[];
}
