/**
 * The ledger as a whole: the journal that records calls, the thread that moves it into the database, and the
 * metrics of both.
 */
import { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import type { Recorder } from "../usage/usage.ts";
import { Journal, type WhenFull } from "./journal/journal.ts";
import type { LedgerSettings } from "./ledger-protocol.ts";
import { type LedgerClient, LedgerThread } from "./ledger-thread.ts";

export interface LedgerOptions {
  readonly settings: LedgerSettings;
  /** Most bytes of the journal's files. */
  readonly maxBytes: number;
  readonly whenFull: WhenFull;
  readonly log: Logger;
  readonly registry: Registry;
}

/** The thread waits this long at the start: the first calls have the processor to themselves. */
const THREAD_START_MS = 250;
/** At the end, what is in the journal may take this long to get into the database. */
const CLOSE_MS = 10_000;

export class Ledger {
  readonly #journal: Journal;
  readonly #thread: LedgerThread;
  #starting: NodeJS.Timeout | undefined;

  /** Begins to record; the thread is started by `start`. */
  constructor({ settings, maxBytes, whenFull, log, registry }: LedgerOptions) {
    const dropped = registry.counter(catalogue.journalDropped).with([]);
    const onDropped = (calls: number): void => dropped.inc(calls);
    this.#journal = new Journal({ folder: settings.journal, maxBytes, whenFull, log, onDropped });
    this.#thread = new LedgerThread({ settings, log });
    const rows = registry.counter(catalogue.ledgerRows).with([]);
    const damages = registry.counter(catalogue.ledgerDamages).with([]);
    let told = { rows: 0, damages: 0 };
    registry.beforeScrape(() => {
      const { status } = this.#thread;
      rows.inc(status.rows - told.rows);
      damages.inc(status.damages - told.damages);
      told = status;
      registry
        .gauge(catalogue.ledgerLag)
        .with([])
        .set(status.lagMs / 1000);
      registry.gauge(catalogue.journalBytes).with([]).set(this.#journal.bytes);
    });
  }

  /** Sees that the start of every call so far is with the kernel, before an upstream sees one of them. */
  flush(): void {
    this.#journal.flush();
  }

  get recorder(): Recorder {
    return this.#journal;
  }

  get client(): LedgerClient {
    return this.#thread;
  }

  /** Why a new call is not to be sent now; undefined when it may be. */
  refusal(): BellwetherError | undefined {
    return this.#journal.refuses ? new BellwetherError("ledger_full") : undefined;
  }

  /** Starts the thread, soon. */
  start(): void {
    this.#starting = setTimeout(() => this.#thread.start(), THREAD_START_MS).unref();
  }

  /** Ends the journal and brings what is in it into the database. What cannot be now is at the next start. */
  async close(): Promise<void> {
    clearTimeout(this.#starting);
    this.#journal.close();
    if (!this.#journal.used && !this.#thread.running) return;
    await this.#thread.close(CLOSE_MS);
  }
}
