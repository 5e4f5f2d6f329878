/**
 * The ledger as a whole: the journal that records calls, the process that moves it into the database, and the
 * metrics of both.
 */
import { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import type { Recorder } from "../usage/usage.ts";
import { Journal, type WhenFull } from "./journal/journal.ts";
import { type LedgerClient, LedgerProcess } from "./ledger-process.ts";
import type { LedgerSettings } from "./ledger-protocol.ts";

export interface LedgerOptions {
  readonly settings: LedgerSettings;
  /** Most bytes of the journal's files. */
  readonly maxBytes: number;
  readonly whenFull: WhenFull;
  readonly log: Logger;
  readonly registry: Registry;
}

/** The process waits this long at the start: the first calls have the processor to themselves. */
const PROCESS_START_MS = 250;
/** At the end, what is in the journal may take this long to get into the database. */
const CLOSE_MS = 10_000;

export class Ledger {
  readonly #journal: Journal;
  readonly #process: LedgerProcess;
  #starting: NodeJS.Timeout | undefined;

  /** Begins to record; the process is started by `start`. */
  constructor({ settings, maxBytes, whenFull, log, registry }: LedgerOptions) {
    const dropped = registry.counter(catalogue.journalDropped).with([]);
    const onDropped = (calls: number): void => dropped.inc(calls);
    this.#journal = new Journal({ folder: settings.journal, maxBytes, whenFull, log, onDropped });
    this.#process = new LedgerProcess({ settings, log });
    const rows = registry.counter(catalogue.ledgerRows).with([]);
    const damages = registry.counter(catalogue.ledgerDamages).with([]);
    let told = { rows: 0, damages: 0 };
    registry.beforeScrape(() => {
      const { status } = this.#process;
      rows.inc(status.rows - told.rows);
      damages.inc(status.damages - told.damages);
      told = status;
      registry
        .gauge(catalogue.ledgerLag)
        .with([])
        .set(status.lagMs / 1000);
      registry.gauge(catalogue.ledgerMemory).with([]).set(status.residentBytes);
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
    return this.#process;
  }

  /** Why a new call is not to be sent now; undefined when it may be. */
  refusal(): BellwetherError | undefined {
    return this.#journal.refuses ? new BellwetherError("ledger_full") : undefined;
  }

  /** Starts the process, soon. */
  start(): void {
    this.#starting = setTimeout(() => this.#process.start(), PROCESS_START_MS).unref();
  }

  /** Ends the journal and brings what is in it into the database. What cannot be now is at the next start. */
  async close(): Promise<void> {
    clearTimeout(this.#starting);
    this.#journal.close();
    if (!this.#journal.used && !this.#process.running) return;
    await this.#process.close(CLOSE_MS);
  }
}
