/**
 * An alert as it travels: from whatever evaluates it to whatever tells somebody. The form is Alertmanager's,
 * so that alerts from there and from Grafana are the same thing as our own.
 */

/** How urgent, the most urgent first. */
export const severities = ["critical", "warning", "info"] as const;
export type Severity = (typeof severities)[number];

export interface Alert {
  readonly status: "firing" | "resolved";
  /** Identify the alert; `alertname` and `severity` are among them. */
  readonly labels: Readonly<Record<string, string>>;
  /** Text for people: `summary`, `description`, `runbook_url`, …; `summary_zh` and such in other languages. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly startsAt: number;
  /** Milliseconds since the epoch; undefined while it fires. */
  readonly endsAt: number | undefined;
  /** Where the alert can be looked at, or "". */
  readonly generatorUrl: string;
  /** The same for the same labels. */
  readonly fingerprint: string;
}

/** The name of an alert, as people know it. */
export function nameOf(alert: Pick<Alert, "labels">): string {
  return alert.labels.alertname ?? "alert";
}

/** The severity of an alert; one that says none, or an unknown one, is a warning. */
export function severityOf(alert: Pick<Alert, "labels">): Severity {
  const { severity } = alert.labels;
  return severities.find((known) => known === severity) ?? "warning";
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** Identifies a set of labels, whatever their order: the FNV-1a hash (64 bits) in 16 hexadecimal digits. */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(JSON.stringify(sorted))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  }
  return hash.toString(16).padStart(16, "0");
}
