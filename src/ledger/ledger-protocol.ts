/** What the gateway and the ledger's process say to each other. Plain data, copied on the way. */
import type { LedgerRow } from "../store/ledger-row.ts";
import type { Query, Value } from "../store/ledger-store.ts";
import type { StoreSettings } from "../store/store-settings.ts";
import type { CallPage, CallSearch } from "./calls/search.ts";
import type { ReportQuery, ReportResult } from "./reports/report.ts";
import type { MonthSpend } from "./spending/month.ts";
import type { RestAsk } from "./spending/rest-of-period.ts";
import type { ExportQuery } from "./transfer/export-parameters.ts";
import type { ExportPlace } from "./transfer/export-rows.ts";

/** What the process is started with. */
export interface LedgerSettings {
  /** Folder of the journal. */
  readonly journal: string;
  readonly store: StoreSettings;
  /** Days that stay in the database; undefined: all. */
  readonly retentionDays?: number | undefined;
}

export type Rows = Readonly<Record<string, Value>>[];

/** What can be asked of it, and what it answers. */
export interface LedgerQuestions {
  readonly report: {
    readonly ask: { readonly name: string; readonly query: ReportQuery };
    readonly answer: ReportResult;
  };
  readonly query: { readonly ask: Query; readonly answer: Rows };
  readonly calls: { readonly ask: CallSearch; readonly answer: CallPage };
  /** A call by its id. */
  readonly call: { readonly ask: string; readonly answer: LedgerRow | null };
  /** What will be used until the ends of periods: pico-dollars or tokens. */
  readonly rest: { readonly ask: readonly RestAsk[]; readonly answer: readonly bigint[] };
  /** A page of an export, as text: rows are written out here, because that takes time. */
  readonly export: {
    readonly ask: { readonly query: ExportQuery; readonly place: ExportPlace | undefined };
    readonly answer: { readonly text: string; readonly next: ExportPlace | undefined };
  };
  /** Rows to add, as JSON lines. */
  readonly import: { readonly ask: string; readonly answer: Imported | { readonly unreadable: string } };
  /** Take over what is in the journal, then close the database: nothing more will be asked. */
  readonly finish: { readonly ask: null; readonly answer: null };
}

export interface Imported {
  readonly calls: number;
  /** Of them those that were not there yet. */
  readonly added: number;
}

export type QuestionKind = keyof LedgerQuestions;

export interface Question<Kind extends QuestionKind = QuestionKind> {
  readonly id: number;
  readonly kind: Kind;
  readonly ask: LedgerQuestions[Kind]["ask"];
}

export interface Answer {
  readonly id: number;
  readonly value?: LedgerQuestions[QuestionKind]["answer"];
  /** Why there is no value. */
  readonly error?: string;
}

/** How the ledger is, told whenever it has changed and at least once a second. Totals count from the process's start. */
export interface LedgerState {
  /** Rows the database has taken. */
  readonly rows: number;
  /** Among them those of calls whose process died. */
  readonly interrupted: number;
  /** Places in the journal that could not be read. */
  readonly damages: number;
  /** Milliseconds since the database last had all there was. */
  readonly lagMs: number;
  /** Why the database cannot take rows; undefined when it can. */
  readonly problem: string | undefined;
  /** Bytes of memory that its process has. */
  readonly residentBytes: number;
}

/** Something that whoever runs the gateway should read. */
export interface Notice {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** The settings come first. */
export type ToLedger = { readonly settings: LedgerSettings } | Question;

/** What the service tells. */
export type Told =
  | { readonly answer: Answer }
  | { readonly state: LedgerState }
  | { readonly spend: MonthSpend }
  | { readonly notice: Notice };

/** `failed`: its last words, for whoever looks after it. */
export type FromLedger = Told | { readonly failed: string };

/** What runs the ledger's service, as it is seen from the gateway. */
export interface LedgerHost {
  postMessage(question: Question): void;
  on(event: "message", listener: (message: Told) => void): unknown;
  /** It has ended by itself, with the cause. */
  on(event: "exit", listener: (cause: unknown) => void): unknown;
  /** Whether it keeps the process alive. */
  ref(): void;
  unref(): void;
  /** Ends it, and resolves when it has ended. */
  terminate(): Promise<void>;
}
