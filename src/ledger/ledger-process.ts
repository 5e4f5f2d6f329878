/**
 * The ledger as the gateway sees it: starts the ledger's process, starts it again when it dies, asks it, and
 * shows how it is in metrics and in one log line for each change. Traffic never waits for any of this.
 */
import { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { clickhouseSql } from "../store/drivers/clickhouse-sql.ts";
import { duckdbSql } from "../store/drivers/duckdb-sql.ts";
import type { LedgerRow } from "../store/ledger-row.ts";
import type { Query, SqlDialect } from "../store/ledger-store.ts";
import { InProcessLedger } from "./in-process-ledger.ts";
import { LedgerChild } from "./ledger-child.ts";
import type {
  Imported,
  LedgerHost,
  LedgerQuestions,
  LedgerSettings,
  LedgerState,
  Notice,
  Question,
  QuestionKind,
  Rows,
  Told,
} from "./ledger-protocol.ts";
import type { LabelledApp } from "./reports/app-labels.ts";
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
   * @param apps those whose labels can be grouped by
   * @throws BellwetherError `unknown_report`, `bad_parameter` or `ledger_unavailable`
   */
  report(name: string, parameters: ReportParameters, apps: readonly LabelledApp[]): Promise<ReportResult>;
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
  /** Bytes of memory that its process has; 0 while there is none. */
  readonly residentBytes: number;
}

export interface LedgerProcessOptions {
  readonly settings: LedgerSettings;
  readonly log: Logger;
  /** Starts the process; by default from the compiled file beside this one. */
  readonly make?: (settings: LedgerSettings) => LedgerHost;
}

/** Sources that run uncompiled, as in tests, have no file to start: they do the work in this process. */
function makeHost(settings: LedgerSettings): LedgerHost {
  return import.meta.url.endsWith(".js")
    ? new LedgerChild(new URL("./ledger-worker.js", import.meta.url), settings)
    : new InProcessLedger(settings);
}

const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 30_000;
/** A process that worked for this long was well: the next restart is quick again. */
const WELL_MS = 60_000;

/** Of a process that has not told anything. */
const UNKNOWN = { rows: 0, interrupted: 0, damages: 0, residentBytes: 0 };

interface Asked {
  resolve(value: never): void;
  reject(error: Error): void;
}

export class LedgerProcess implements LedgerClient {
  readonly #options: LedgerProcessOptions;
  readonly #asked = new Map<number, Asked>();
  #host: LedgerHost | undefined;
  #startedAt = 0;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #lastId = 0;
  #closing = false;
  /** Totals of processes that have ended. */
  #rowsBefore = 0;
  #damagesBefore = 0;
  #state: LedgerState = { ...UNKNOWN, lagMs: 0, problem: "it is being opened" };
  #stateAt = performance.now();
  #wellTold: boolean | undefined;
  #spend: MonthSpend | undefined;

  constructor(options: LedgerProcessOptions) {
    this.#options = options;
  }

  /** Whether there is a process. */
  get running(): boolean {
    return this.#host !== undefined;
  }

  get status(): LedgerStatus {
    const { rows, damages, lagMs, problem, residentBytes } = this.#state;
    return {
      rows: this.#rowsBefore + rows,
      damages: this.#damagesBefore + damages,
      // Tells of the state come at least once a second; what is older is time without news.
      lagMs: lagMs + Math.max(0, performance.now() - this.#stateAt - 2_000),
      problem,
      residentBytes,
    };
  }

  start(): void {
    if (this.#host !== undefined || this.#closing) return;
    const { settings } = this.#options;
    let host: LedgerHost;
    try {
      host = (this.#options.make ?? makeHost)(settings);
    } catch (error) {
      return this.#ended(error);
    }
    this.#host = host;
    this.#startedAt = performance.now();
    host.unref();
    host.on("message", (message) => this.#onMessage(message));
    host.on("exit", (cause) => {
      if (this.#host === host) this.#ended(cause);
    });
  }

  get sql(): SqlDialect {
    const { clickhouse } = this.#options.settings.store;
    return clickhouse === undefined ? duckdbSql(() => "calls") : clickhouseSql;
  }

  query(query: Query): Promise<Rows> {
    return this.#ask("query", query);
  }

  async report(
    name: string,
    parameters: ReportParameters,
    apps: readonly LabelledApp[],
  ): Promise<ReportResult> {
    // What a user wrote is checked here, so that the process is asked nothing that cannot be answered.
    const { reportNamed } = await import("./reports/index.ts");
    const { parseQuery } = await import("./reports/query.ts");
    const query = parseQuery(reportNamed(name), parameters, Date.now(), apps);
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
   * Lets the process take over what is in the journal, and ends it, after `limitMs` milliseconds at the latest. False
   * when the journal still holds rows, which the next start takes over.
   */
  async close(limitMs: number): Promise<boolean> {
    clearTimeout(this.#restart);
    if (this.#host === undefined) this.start();
    if (this.#host === undefined) {
      this.#closing = true;
      clearTimeout(this.#restart);
      return false;
    }
    const host = this.#host;
    host.ref();
    const finished = await within(limitMs, this.#ask("finish", null));
    this.#closing = true;
    clearTimeout(this.#restart);
    this.#host = undefined;
    await host.terminate();
    this.#rejectAll("it is being shut down");
    return finished;
  }

  #ask<Kind extends QuestionKind>(
    kind: Kind,
    ask: LedgerQuestions[Kind]["ask"],
  ): Promise<LedgerQuestions[Kind]["answer"]> {
    const host = this.#host;
    if (host === undefined || this.#closing) {
      return Promise.reject(unavailable(this.#state.problem ?? "it has ended"));
    }
    const id = ++this.#lastId;
    // Somebody waits: before there is a server, as when budgets are restored, nothing else keeps this process.
    if (this.#asked.size === 0) host.ref();
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      host.postMessage({ id, kind, ask } satisfies Question<Kind>);
    });
  }

  #onMessage(message: Told): void {
    if ("state" in message) return this.#onState(message.state);
    if ("spend" in message) {
      this.#spend = message.spend;
      return;
    }
    if ("notice" in message) return this.#notice(message.notice);
    const { id, value, error } = message.answer;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#host?.unref();
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
    this.#host = undefined;
    if (this.#closing) return;
    if (performance.now() - this.#startedAt > WELL_MS) this.#deaths = 0;
    const wait = Math.min(FIRST_RESTART_MS * 2 ** this.#deaths, LAST_RESTART_MS);
    this.#deaths++;
    this.#rowsBefore += this.#state.rows;
    this.#damagesBefore += this.#state.damages;
    const problem = "its process has ended and is started again";
    this.#state = { ...this.#state, ...UNKNOWN, problem };
    this.#wellTold = false;
    this.#options.log.error(
      { err: cause, restartMs: wait },
      "ledger process ended: traffic goes on, and the journal holds the rows",
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

/** Whether a promise is kept in this time; it may settle later. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = promise.then(
    () => true,
    () => false,
  );
  const kept = await Promise.race([settled, late]);
  clearTimeout(timer);
  return kept;
}

function unavailable(why: string): BellwetherError {
  return new BellwetherError("ledger_unavailable", { why });
}
