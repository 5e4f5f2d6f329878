/** Why an alert that fires is not told: somebody silenced it, or a worse one says the same. */
import { type Alert, nameOf, severities, severityOf } from "../core/alert.ts";
import { uuidv7 } from "../core/ids.ts";
import { matchesWildcard } from "../core/wildcard.ts";

export interface Silence {
  readonly id: string;
  /** Labels that a silenced alert has; `alertname` is its name, `*` stands for any text. */
  readonly matchers: Readonly<Record<string, string>>;
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
  readonly until: number;
  readonly comment: string;
}

export class Silences {
  #silences: Silence[] = [];

  add(silence: Omit<Silence, "id">): Silence {
    const added = { id: uuidv7(silence.createdAt), ...silence };
    this.#silences.push(added);
    return added;
  }

  /** False when there is no such silence. */
  remove(id: string): boolean {
    const before = this.#silences.length;
    this.#silences = this.#silences.filter((silence) => silence.id !== id);
    return this.#silences.length < before;
  }

  /** Those that have not ended. */
  list(now: number): readonly Silence[] {
    this.#silences = this.#silences.filter(({ until }) => until > now);
    return this.#silences;
  }

  restore(silences: readonly Silence[]): void {
    this.#silences = [...silences];
  }

  of(alert: Alert, now: number): Silence | undefined {
    return this.list(now).find(({ matchers }) =>
      Object.entries(matchers).every(([label, pattern]) =>
        matchesWildcard(alert.labels[label] ?? "", pattern),
      ),
    );
  }
}

/** An upstream that is down makes its other alerts true as well, and uninteresting. */
export const ROOT_CAUSE = "upstream-down";

/**
 * The alert that makes this one needless: a worse one of the same family about the same thing, or the root cause at
 * the same upstream. Alertmanager's inhibit_rules are made of the same (see stack/alertmanager).
 */
export function inhibitorOf(alert: Alert, firing: readonly Alert[]): Alert | undefined {
  const rank = severities.indexOf(severityOf(alert));
  return firing.find((other) => {
    if (severities.indexOf(severityOf(other)) >= rank) return false;
    if (same(alert, other, "family") && same(alert, other, "upstream") && same(alert, other, "model"))
      return true;
    return (
      nameOf(other) === ROOT_CAUSE && alert.labels.upstream !== undefined && same(alert, other, "upstream")
    );
  });
}

function same(a: Alert, b: Alert, label: string): boolean {
  return a.labels[label] === b.labels[label];
}
