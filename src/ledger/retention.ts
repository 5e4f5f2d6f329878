/** When days are old enough to leave the database for the archive. */
import type { ArchivedDay } from "../store/ledger-store.ts";

const DAY_MS = 86_400_000;
/** The start of the process is for the journal. */
const FIRST_MS = 30_000;
const EVERY_MS = 3_600_000;

export interface RetentionOptions {
  /** Days that stay; undefined: all. */
  readonly days: number | undefined;
  /** Wall-clock milliseconds. */
  now?(): number;
  /** Monotonic milliseconds. */
  elapsed?(): number;
}

export class Retention {
  readonly #days: number | undefined;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  #next: number;

  constructor({ days, now = Date.now, elapsed = () => performance.now() }: RetentionOptions) {
    this.#days = days;
    this.#now = now;
    this.#elapsed = elapsed;
    this.#next = elapsed() + FIRST_MS;
  }

  /** Archives what is due, at most once an hour; gives the days that were moved. @throws what `archive` throws */
  async run(store: {
    archive(before: number): Promise<readonly ArchivedDay[]>;
  }): Promise<readonly ArchivedDay[]> {
    if (this.#days === undefined || this.#elapsed() < this.#next) return [];
    this.#next = this.#elapsed() + EVERY_MS;
    return store.archive(this.#now() - this.#days * DAY_MS);
  }
}
