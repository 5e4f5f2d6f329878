/** The words around an alert, in one language. A language is one file beside this and its line in index.ts. */

export interface Messages {
  readonly firing: string;
  readonly resolved: string;
  readonly critical: string;
  readonly warning: string;
  readonly info: string;
  readonly since: string;
  readonly ended: string;
  readonly lasted: string;
  readonly value: string;
  readonly runbook: string;
  readonly details: string;
  readonly dashboard: string;
  /** `{count}` alerts are not shown. */
  readonly more: string;
  /** `{count}` alerts in one group. */
  readonly alerts: string;
  /** What a test message says; `{channel}` is the channel's name. */
  readonly test: string;
}
