/** What each rule had to say of a call: plain data, for people and for JSON. */

export interface ConditionVerdict {
  /** The key under `when`. */
  readonly key: string;
  readonly wants: string;
  /** What the call has; never text of the prompt. */
  readonly found: string;
  readonly holds: boolean;
}

export interface Verdict {
  readonly rule: string;
  readonly priority: number;
  readonly outcome: "decides" | "does not hold" | "nobody serves it";
  readonly conditions: readonly ConditionVerdict[];
  /** Where it sends calls. */
  readonly use: string;
  /** What it chose among, where it decided and had a choice. */
  readonly options: readonly OptionVerdict[];
}

/** A candidate of a rule. */
export interface OptionVerdict {
  readonly model: string;
  readonly upstream: string;
  /** What is known of it: `about 0.0012 USD`, `350 ms`, `3 in flight`. */
  readonly notes: readonly string[];
}

/** One asking of the rules: they are asked again where one names a model that is only routed. */
export interface RouteStep {
  readonly model: string;
  /** Of every rule up to the one that decided, in the order in which they were asked. */
  readonly verdicts: readonly Verdict[];
}
