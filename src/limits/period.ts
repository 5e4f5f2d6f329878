/** Days, weeks and months in a time zone: when the one that holds a moment began, and when it ends. */

export type PeriodKind = "day" | "week" | "month";

export interface Period {
  /** `2026-11-21`, `2026-11-16` (a week's Monday), `2026-11`: what its counters are named by. */
  readonly name: string;
  /** The name after that of whose period it is: what its counter is called. */
  readonly key: string;
  /** Milliseconds since the epoch; the end is the beginning of the next one. */
  readonly startsAt: number;
  readonly endsAt: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Tells the period of a moment; the last one is remembered, so that most answers are one comparison. */
export class Calendar {
  readonly #kind: PeriodKind;
  readonly #owner: string;
  readonly #format: Intl.DateTimeFormat;
  #last: Period | undefined;

  /** `owner`: whose periods they are, for their keys. */
  constructor(kind: PeriodKind, timeZone: string, owner = "") {
    this.#kind = kind;
    this.#owner = owner;
    this.#format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone, hourCycle: "h23", calendar: "gregory", era: "short" },
      ...{
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      },
    });
  }

  period(atMs: number): Period {
    const last = this.#last;
    if (last !== undefined && atMs >= last.startsAt && atMs < last.endsAt) return last;
    const local = this.#local(atMs);
    const date = new Date(local);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
    const from =
      this.#kind === "month" ? 1 : this.#kind === "week" ? day - ((date.getUTCDay() + 6) % 7) : day;
    const first = Date.UTC(year, month, from);
    const next =
      this.#kind === "month"
        ? Date.UTC(year, month + 1, 1)
        : first + (this.#kind === "week" ? 7 : 1) * DAY_MS;
    const iso = new Date(first).toISOString();
    const name = iso.slice(0, this.#kind === "month" ? 7 : 10);
    const period: Period = {
      ...{ name, key: `${this.#owner}:${name}` },
      startsAt: this.#instant(first),
      endsAt: this.#instant(next),
    };
    this.#last = period;
    return period;
  }

  /** What the clocks there show, as if it were UTC. */
  #local(atMs: number): number {
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(atMs)) parts[type] = value;
    const { year, month, day, hour, minute, second } = parts;
    return Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    );
  }

  /** The first moment at which the clocks there show midnight of that day, or later where midnight is skipped. */
  #instant(local: number): number {
    // Offsets are between −12 and +14 hours and change by an hour or so: two steps find it, a third corrects.
    let at = local;
    for (let step = 0; step < 3; step++) at += local - this.#local(at);
    if (this.#local(at) < local) at += HOUR_MS;
    // Where clocks were turned back over midnight it comes twice: the first one counts.
    return this.#local(at - HOUR_MS) === local ? at - HOUR_MS : at;
  }
}
