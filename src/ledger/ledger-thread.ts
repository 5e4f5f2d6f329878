/**
 * The ledger as the main thread sees it: starts the ledger's thread, starts it again when it dies, asks it, and
 * shows how it is in metrics and in one log line for each change. Traffic never waits for any of this.
 */
import { Worker } from "node:worker_threads";
import { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { clickhouseSql } from "../store/drivers/clickhouse-sql.ts";
import { duckdbSql } from "../store/drivers/duckdb-sql.ts";
import type { LedgerRow } from "../store/ledger-row.ts";
import type { Query, SqlDialect } from "../store/ledger-store.ts";
import { InThreadLedger } from "./in-thread-ledger.ts";
import type {
  FromThread,
  Imported,
  LedgerQuestions,
  LedgerSettings,
  LedgerState,
  Notice,
  Question,
  QuestionKind,
  Rows,
} from "./ledger-protocol.ts";
import type { ReportParameters } from "./reports/query.ts";
import type { ReportQuery, ReportResult } from "./reports/report.ts";
import type { MonthSpend } from "./spending/month.ts";
import type { RestAsk } from "./spending/rest-of-period.ts";
import type { ExportPlace } from "./transfer/export-rows.ts";

/** What may be asked of the ledger while the gateway runs. */
export interface LedgerClient {
  /** How the database wants its statements written. */
  readonly sql: SqlDialect;
  /** @throws BellwetherError `ledger_unavailable` */
  query(query: Query): Promise<Rows>;
  /**
   * Runs a report for parameters as they came from a command line or a URL.
   * @throws BellwetherError `unknown_report`, `bad_parameter` or `ledger_unavailable`
   */
  report(name: string, parameters: ReportParameters): Promise<ReportResult>;
  /** @throws BellwetherError `bad_parameter` or `ledger_unavailable` */
  calls(parameters: ReportParameters): Promise<FoundCalls>;
  /** Undefined when there is none of this id. @throws BellwetherError `ledger_unavailable` */
  call(id: string): Promise<LedgerRow | undefined>;
  /**
   * The calls of a range as text in pieces, the first of which is there already.
   * @throws BellwetherError `bad_parameter` or `ledger_unavailable`; a later piece `ledger_unavailable`
   */
  export(parameters: ReportParameters): Promise<AsyncIterable<string>>;
  /** Adds calls in lines of JSON as exports have them. @throws BellwetherError `bad_payload` or `ledger_unavailable` */
  import(lines: string): Promise<Imported>;
  /**
   * What will be used until the ends of periods: pico-dollars or tokens.
   * @throws BellwetherError `ledger_unavailable`
   */
  rest(asks: readonly RestAsk[]): Promise<readonly bigint[]>;
  /** What the month has cost, as it was last told; undefined until it was. */
  readonly spend: MonthSpend | undefined;
  readonly status: LedgerStatus;
}

/** A page of calls, and what was asked for. */
export interface FoundCalls {
  readonly query: ReportQuery;
  readonly rows: readonly LedgerRow[];
  /** To ask for the next page with; undefined on the last. */
  readonly cursor: string | undefined;
}

export interface LedgerStatus {
  /** Rows the database has taken since the process started. */
  readonly rows: number;
  readonly damages: number;
  /** Milliseconds since the database last had all there was. */
  readonly lagMs: number;
  /** Why the database cannot take rows; undefined when it can. */
  readonly problem: string | undefined;
}

export interface LedgerThreadOptions {
  readonly settings: LedgerSettings;
  readonly log: Logger;
  /** Makes the thread; by default from the compiled file beside this one. */
  readonly make?: (settings: LedgerSettings) => Thread;
}

/** What is used of a worker thread. */
export interface Thread {
  postMessage(question: Question): void;
  on(event: "message", listener: (message: FromThread) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "exit", listener: (code: number) => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** A thread's rows live for a second; Node.js would let 48 MB of them gather before it looks. */
const YOUNG_MB = 8;

/** Sources that run uncompiled, as in tests, have no file for a worker: they do the work in this thread. */
function makeThread(settings: LedgerSettings): Thread {
  return import.meta.url.endsWith(".js")
    ? new Worker(new URL("./ledger-worker.js", import.meta.url), {
        workerData: settings,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      })
    : new InThreadLedger(settings);
}

/**
 * How long it may take to break off what the database is at. A thread is only terminated when it is at nothing: that
 * waits for the database's work, however long it takes, and then aborts the whole process (Node-API finds nobody left to
 * take the result).
 */
const ABANDON_MS = 5_000;

const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 30_000;
/** A thread that worked for this long was well: the next restart is quick again. */
const WELL_MS = 60_000;

interface Asked {
  resolve(value: never): void;
  reject(error: Error): void;
}

export class LedgerThread implements LedgerClient {
  readonly #options: LedgerThreadOptions;
  readonly #asked = new Map<number, Asked>();
  #worker: Thread | undefined;
  #startedAt = 0;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #lastId = 0;
  #closing = false;
  /** Totals of threads that have ended. */
  #rowsBefore = 0;
  #damagesBefore = 0;
  #state: LedgerState = { rows: 0, interrupted: 0, damages: 0, lagMs: 0, problem: "it is being opened" };
  #stateAt = performance.now();
  #wellTold: boolean | undefined;
  #spend: MonthSpend | undefined;

  constructor(options: LedgerThreadOptions) {
    this.#options = options;
  }

  /** Whether there is a thread. */
  get running(): boolean {
    return this.#worker !== undefined;
  }

  get status(): LedgerStatus {
    const { rows, damages, lagMs, problem } = this.#state;
    return {
      rows: this.#rowsBefore + rows,
      damages: this.#damagesBefore + damages,
      // Tells of the state come at least once a second; what is older is time without news.
      lagMs: lagMs + Math.max(0, performance.now() - this.#stateAt - 2_000),
      problem,
    };
  }

  start(): void {
    if (this.#worker !== undefined || this.#closing) return;
    const { settings } = this.#options;
    let worker: Thread;
    try {
      worker = (this.#options.make ?? makeThread)(settings);
    } catch (error) {
      return this.#ended(error);
    }
    this.#worker = worker;
    this.#startedAt = performance.now();
    worker.unref();
    let cause: unknown;
    worker.on("message", (message: FromThread) => this.#onMessage(message));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (code) => {
      if (this.#worker === worker) this.#ended(cause ?? new Error(`it exited with code ${code}`));
    });
  }

  get sql(): SqlDialect {
    const { clickhouse } = this.#options.settings.store;
    return clickhouse === undefined ? duckdbSql(() => "calls") : clickhouseSql;
  }

  query(query: Query): Promise<Rows> {
    return this.#ask("query", query);
  }

  async report(name: string, parameters: ReportParameters): Promise<ReportResult> {
    // What a user wrote is checked here, so that the thread is asked nothing that cannot be answered.
    const { reportNamed } = await import("./reports/index.ts");
    const { parseQuery } = await import("./reports/query.ts");
    const query = parseQuery(reportNamed(name), parameters, Date.now());
    return this.#ask("report", { name, query });
  }

  async calls(parameters: ReportParameters): Promise<FoundCalls> {
    const { cursorAfter, parseCallSearch } = await import("./calls/search.ts");
    const search = parseCallSearch(parameters, Date.now());
    const { rows, more } = await this.#ask("calls", search);
    const last = rows.at(-1);
    const cursor = more && last !== undefined ? cursorAfter(last) : undefined;
    return { query: search.query, rows, cursor };
  }

  async call(id: string): Promise<LedgerRow | undefined> {
    return (await this.#ask("call", id)) ?? undefined;
  }

  async export(parameters: ReportParameters): Promise<AsyncIterable<string>> {
    const { parseExport } = await import("./transfer/export-parameters.ts");
    const query = parseExport(parameters, Date.now());
    const first = await this.#ask("export", { query, place: undefined });
    const ask = (place: ExportPlace) => this.#ask("export", { query, place });
    return (async function* () {
      for (let page = first; ; page = await ask(page.next)) {
        if (page.text !== "") yield page.text;
        if (page.next === undefined) return;
      }
    })();
  }

  async import(lines: string): Promise<Imported> {
    const answer = await this.#ask("import", lines);
    if ("unreadable" in answer) throw new BellwetherError("bad_payload", { why: answer.unreadable });
    return answer;
  }

  rest(asks: readonly RestAsk[]): Promise<readonly bigint[]> {
    return this.#ask("rest", asks);
  }

  get spend(): MonthSpend | undefined {
    return this.#spend;
  }

  /**
   * Lets the thread take over what is in the journal, and ends it, after `limitMs` milliseconds at the latest. False
   * when the journal still holds rows, which the next start takes over.
   */
  async close(limitMs: number): Promise<boolean> {
    clearTimeout(this.#restart);
    if (this.#worker === undefined) this.start();
    if (this.#worker === undefined) {
      this.#closing = true;
      clearTimeout(this.#restart);
      return false;
    }
    const worker = this.#worker;
    worker.ref();
    const finished = await within(limitMs, this.#ask("finish", null));
    const ended = finished !== "late" || (await within(ABANDON_MS, this.#ask("abandon", null))) !== "late";
    this.#closing = true;
    clearTimeout(this.#restart);
    this.#worker = undefined;
    if (ended) await worker.terminate();
    else {
      worker.unref();
      this.#options.log.error(
        {},
        "ledger thread does not end: it is left as it is, the journal holds the rows",
      );
    }
    this.#rejectAll("it is being shut down");
    return finished === "done";
  }

  #ask<Kind extends QuestionKind>(
    kind: Kind,
    ask: LedgerQuestions[Kind]["ask"],
  ): Promise<LedgerQuestions[Kind]["answer"]> {
    const worker = this.#worker;
    if (worker === undefined || this.#closing) {
      return Promise.reject(unavailable(this.#state.problem ?? "it has ended"));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      worker.postMessage({ id, kind, ask } satisfies Question<Kind>);
    });
  }

  #onMessage(message: FromThread): void {
    if ("state" in message) return this.#onState(message.state);
    if ("spend" in message) {
      this.#spend = message.spend;
      return;
    }
    if ("notice" in message) return this.#notice(message.notice);
    const { id, value, error } = message.answer;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error === undefined) asked?.resolve(value as never);
    else asked?.reject(unavailable(error));
  }

  #onState(state: LedgerState): void {
    const interrupted = state.interrupted - this.#state.interrupted;
    const damages = state.damages - this.#state.damages;
    this.#state = state;
    this.#stateAt = performance.now();
    const { log } = this.#options;
    if (interrupted > 0)
      log.warn({ calls: interrupted }, "calls of a process that died are in the ledger as interrupted");
    if (damages > 0) log.warn({ places: damages }, "unreadable places in the journal were left out");
    this.#tellWell(state.problem);
  }

  /** One line for each change. */
  #tellWell(problem: string | undefined): void {
    const well = problem === undefined;
    if (this.#wellTold === well) return;
    const { log } = this.#options;
    if (!well) log.error({ problem }, "ledger not writable: traffic goes on, and the journal holds the rows");
    else if (this.#wellTold === false) log.info({}, "ledger writable again");
    this.#wellTold = well;
  }

  #notice({ level, message, fields }: Notice): void {
    this.#options.log[level](fields, message);
  }

  #ended(cause: unknown): void {
    this.#worker = undefined;
    if (this.#closing) return;
    if (performance.now() - this.#startedAt > WELL_MS) this.#deaths = 0;
    const wait = Math.min(FIRST_RESTART_MS * 2 ** this.#deaths, LAST_RESTART_MS);
    this.#deaths++;
    this.#rowsBefore += this.#state.rows;
    this.#damagesBefore += this.#state.damages;
    const problem = "its thread has ended and is started again";
    this.#state = { ...this.#state, rows: 0, interrupted: 0, damages: 0, problem };
    this.#wellTold = false;
    this.#options.log.error(
      { err: cause, restartMs: wait },
      "ledger thread ended: traffic goes on, and the journal holds the rows",
    );
    this.#rejectAll(problem);
    this.#restart = setTimeout(() => this.start(), wait).unref();
  }

  #rejectAll(problem: string): void {
    for (const { reject } of this.#asked.values()) {
      reject(unavailable(problem));
    }
    this.#asked.clear();
  }
}

/** How a promise fares in this time; it may settle later. */
async function within(ms: number, promise: Promise<unknown>): Promise<"done" | "failed" | "late"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), ms);
  });
  const settled = promise.then(
    () => "done" as const,
    () => "failed" as const,
  );
  const how = await Promise.race([settled, late]);
  clearTimeout(timer);
  return how;
}

function unavailable(why: string): BellwetherError {
  return new BellwetherError("ledger_unavailable", { why });
}
