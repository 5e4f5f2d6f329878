/**
 * The ledger at work, in its own process: moves the journal into the database over and over, and answers questions
 * about what is there. Whatever happens to the database, the journal keeps the rows and this tries again.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { LedgerStore } from "../store/ledger-store.ts";
import { openStore } from "../store/open-store.ts";
import { Ingest } from "./ingest.ts";
import { LostPlaceError } from "./journal/segment-reader.ts";
import type { LedgerSettings, LedgerState, Question, Told } from "./ledger-protocol.ts";
import { Retention } from "./retention.ts";
import type { Spending } from "./spending/spending.ts";

/** How often the journal is looked at. */
const LOOK_MS = 1_000;
/**
 * What is in the journal goes to the database when it fills a batch, when somebody asks for it, and else this often.
 * Every transaction costs: four a second took 0.17 cores at 1,000 calls/s, one 0.08.
 */
const PASS_MS = 5_000;
/** Answers know of what was in the journal so long ago. */
const FRESH_MS = 1_000;
/** They wait so long for that at most: there may be much to take over. */
const PATIENCE_MS = 2_000;
/** After a failure the next try comes after this long, twice as long each time, up to the second. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;
/** The start of the process is for the journal. */
const FIRST_ROLL_UP_MS = 30_000;
/** The state is told at least this often. */
const TELL_MS = 1_000;
/** A pass reads who wrote a segment, the next finds that its writer has ended, the third leaves nothing. */
const LAST_PASSES = 3;
/** How often statements are interrupted when nobody waits for them any more. */
const INTERRUPT_MS = 10;

export interface LedgerServiceOptions {
  readonly settings: LedgerSettings;
  tell(message: Told): void;
  readonly open?: typeof openStore;
}

export class LedgerService {
  readonly #settings: LedgerSettings;
  readonly #tell: (message: Told) => void;
  readonly #open: typeof openStore;
  readonly #ingest: Ingest;
  readonly #retention: Retention;
  #spending: Promise<Spending> | undefined;
  #store: LedgerStore | undefined;
  #problem: string | undefined;
  #completeAt = performance.now();
  /** When the last pass began, and the last that has succeeded. */
  #passAt = Number.NEGATIVE_INFINITY;
  #freshAt = Number.NEGATIVE_INFINITY;
  /** The next is not to wait. */
  #wanted = false;
  /** Those who wait for the end of a pass. */
  readonly #waiters: (() => void)[] = [];
  #failures = 0;
  #told: LedgerState | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #stopping = false;
  #rollUpFailed = false;
  readonly #rollUpAt = performance.now() + FIRST_ROLL_UP_MS;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor({ settings, tell, open = openStore }: LedgerServiceOptions) {
    this.#settings = settings;
    this.#tell = tell;
    this.#open = open;
    this.#retention = new Retention({ days: settings.retentionDays });
    this.#ingest = new Ingest({
      folder: settings.journal,
      insert: async (calls) => (await this.#opened()).insertCalls(calls),
      onProblem: (file, error) => {
        const fields = { segment: file, error: textOf(error) };
        tell({ notice: { level: "error", message: "a segment of the journal cannot be read", fields } });
      },
    });
  }

  /** Begins to work; goes on until `finish` is asked. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Never rejects: the answer tells what went wrong. */
  async answer(question: Question): Promise<void> {
    const { id } = question;
    try {
      this.#tell({ answer: { id, value: await this.#valueOf(question) } });
    } catch (error) {
      this.#tell({ answer: { id, error: textOf(error) } });
    }
  }

  async #valueOf(question: Question) {
    switch (question.kind) {
      case "report": {
        const { name, query } = (question as Question<"report">).ask;
        const { reportNamed, runParsed } = await import("./reports/index.ts");
        return runParsed(reportNamed(name), query, await this.#upToDate());
      }
      case "query":
        return (await this.#upToDate()).query((question as Question<"query">).ask);
      case "calls": {
        const { searchCalls } = await import("./calls/search.ts");
        return searchCalls(await this.#upToDate(), (question as Question<"calls">).ask);
      }
      case "call": {
        const { callOfId } = await import("./calls/search.ts");
        return (await callOfId(await this.#upToDate(), (question as Question<"call">).ask)) ?? null;
      }
      case "rest":
        return (await this.#spent()).rest(await this.#asked(), (question as Question<"rest">).ask);
      case "export": {
        const { query, place } = (question as Question<"export">).ask;
        const { exportText } = await import("./transfer/export-rows.ts");
        return exportText(await this.#upToDate(), query, place);
      }
      case "import": {
        const { rowsOfLines, UnreadableLineError } = await import("./transfer/row-lines.ts");
        try {
          const rows = rowsOfLines((question as Question<"import">).ask);
          return { calls: rows.length, added: await (await this.#asked()).insert(rows) };
        } catch (error) {
          if (error instanceof UnreadableLineError) return { unreadable: error.message };
          throw error;
        }
      }
      case "finish":
        await this.#finish();
        return null;
    }
  }

  /** The database, for questions. @throws an error that says why it cannot be asked */
  async #asked(): Promise<LedgerStore> {
    if (this.#problem !== undefined) throw new Error(`its database is not available: ${this.#problem}`);
    return this.#opened();
  }

  /** The database when it has what the journal had a moment ago, unless that takes long. @throws as `#asked` */
  async #upToDate(): Promise<LedgerStore> {
    const isFresh = performance.now() - this.#freshAt < FRESH_MS;
    if (!isFresh && this.#problem === undefined && !this.#stopping) {
      this.#wanted = true;
      this.#wake?.();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.#asked();
  }

  #opening: Promise<LedgerStore> | undefined;

  #opened(): Promise<LedgerStore> {
    if (this.#store !== undefined) return Promise.resolve(this.#store);
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNow(): Promise<LedgerStore> {
    const { store } = this.#settings;
    await mkdir(dirname(store.path), { recursive: true });
    const opened = await this.#open(store);
    try {
      await opened.migrate();
    } catch (error) {
      await opened.close().catch(() => undefined);
      throw error;
    }
    this.#store = opened;
    return opened;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      if (!(await this.#isDue()) || (await this.#pass())) {
        await this.#archive();
        await this.#rollUp();
        await this.#spend();
      } else (await this.#spending)?.forget();
      const wait = this.#failures === 0 ? LOOK_MS : FIRST_RETRY_MS * 2 ** (this.#failures - 1);
      await this.#sleep(Math.min(wait, LAST_RETRY_MS));
    }
  }

  async #isDue(): Promise<boolean> {
    if (this.#wanted || this.#failures > 0 || performance.now() - this.#passAt >= PASS_MS) return true;
    try {
      const { bytes, enough } = await this.#ingest.waiting();
      if (enough) return true;
      if (bytes === 0) this.#completeAt = performance.now();
      this.#tellState();
      return false;
    } catch {
      // The pass tells what is wrong with the journal.
      return true;
    }
  }

  /** True when the database has all there is. @throws LostPlaceError, of which this process has to end */
  async #pass(): Promise<boolean> {
    this.#passAt = performance.now();
    try {
      await this.#opened();
      await this.#ingest.pass();
      this.#completeAt = performance.now();
      this.#freshAt = this.#passAt;
      this.#failures = 0;
      this.#problem = undefined;
      this.#tellState();
      return true;
    } catch (error) {
      if (error instanceof LostPlaceError) throw error;
      this.#failures++;
      this.#problem = textOf(error);
      this.#tellState();
      // Some failures leave a database unusable until it is opened again.
      await this.#closeStore();
      return false;
    } finally {
      this.#wanted = false;
      for (const go of this.#waiters.splice(0)) go();
    }
  }

  /** One step a pass: rows that wait come first. Reports are right without sums, only slower. */
  async #rollUp(): Promise<void> {
    if (performance.now() < this.#rollUpAt) return;
    try {
      await this.#store?.rollUp?.(Date.now());
    } catch (error) {
      if (this.#rollUpFailed) return;
      this.#rollUpFailed = true;
      const fields = { error: textOf(error) };
      const message = "calls cannot be summed up by hour: reports over many calls are slow";
      this.#tell({ notice: { level: "warn", message, fields } });
    }
  }

  /** What cannot be archived now stays in the database until the next hour. */
  async #archive(): Promise<void> {
    try {
      const days = await this.#retention.run(await this.#opened());
      for (const { day, calls, file } of days) {
        this.#tell({
          notice: { level: "info", message: "day moved to the archive", fields: { day, calls, file } },
        });
      }
    } catch (error) {
      const fields = { error: textOf(error) };
      this.#tell({ notice: { level: "error", message: "days cannot be moved to the archive", fields } });
    }
  }

  /** Loaded when it works: processes whose ledger has one of its own do without. */
  #spent(): Promise<Spending> {
    const { retentionDays } = this.#settings;
    this.#spending ??= import("./spending/spending.ts").then(
      ({ Spending }) => new Spending({ retentionDays }),
    );
    return this.#spending;
  }

  /** Tells what the month has cost, when that is due. */
  async #spend(): Promise<void> {
    try {
      const spending = await this.#spent();
      const spend = await spending.due(await this.#opened(), this.#ingest.progress.rows);
      if (spend !== undefined) this.#tell({ spend });
    } catch (error) {
      if (this.#stopping) return;
      const fields = { error: textOf(error) };
      this.#tell({ notice: { level: "error", message: "the month's spending cannot be told", fields } });
    }
  }

  #tellState(): void {
    const { rows, interrupted, damages } = this.#ingest.progress;
    const now = performance.now();
    const lagMs = Math.round(now - this.#completeAt);
    const residentBytes = process.memoryUsage.rss();
    const state: LedgerState = { rows, interrupted, damages, lagMs, problem: this.#problem, residentBytes };
    const told = this.#told;
    const changed =
      told === undefined ||
      told.rows !== rows ||
      told.damages !== damages ||
      told.problem !== this.#problem ||
      now - this.#toldAt >= TELL_MS;
    if (!changed) return;
    this.#told = state;
    this.#toldAt = now;
    this.#tell({ state });
  }

  /** Stops as it is, and lets go of the files. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#running;
    for (const go of this.#waiters.splice(0)) go();
    await this.#ingest.close();
    await this.#closeStore();
  }

  async #finish(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#undisturbed(this.#running);
    for (let pass = 0; pass < LAST_PASSES; pass++) if (!(await this.#pass())) break;
    await this.stop();
    if (this.#problem !== undefined) throw new Error(this.#problem);
  }

  /** Interrupts questions until the work is over: it only reaches the one that runs just then. */
  async #undisturbed(work: Promise<unknown> | undefined): Promise<void> {
    const again = setInterval(() => this.#store?.interrupt?.(), INTERRUPT_MS);
    try {
      await work;
    } finally {
      clearInterval(again);
    }
  }

  async #closeStore(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.close().catch(() => undefined);
  }

  #sleep(ms: number): Promise<void> {
    if (this.#stopping || this.#wanted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
