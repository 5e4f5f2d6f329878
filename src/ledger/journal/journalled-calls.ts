/** Calls as the journal has them: where the records of each are, to be read when the database takes them. */
import { type Calls, type RowSink, writeRow } from "../../store/calls.ts";
import type { LedgerRow } from "../../store/ledger-row.ts";
import { rowOf } from "../row-of.ts";
import { Payload, RecordError } from "./frame-reader.ts";
import { copySettled, copyStarted } from "./record-columns.ts";
import { INTERRUPTED, readSettled, readStarted } from "./records.ts";

/** A record behind its kind and number. */
export class JournalRecord {
  #payload: Payload;
  #at: number;
  #end: number;

  /** Where the payload stands. */
  constructor(payload: Payload) {
    this.#payload = payload;
    this.#at = payload.at;
    this.#end = payload.end;
  }

  /** To be read from its beginning. */
  open(): Payload {
    const payload = this.#payload;
    payload.at = this.#at;
    payload.end = this.#end;
    return payload;
  }

  /** Takes its bytes out of those that were read together with it, which need not be kept for it then. */
  detach(): void {
    const own = Buffer.from(this.#payload.bytes.subarray(this.#at, this.#end));
    this.#payload = new Payload(own);
    this.#at = 0;
    this.#end = own.length;
  }
}

/** A call that has begun. */
export class StartedCall {
  readonly id: string;
  readonly startedAt: number;
  readonly record: JournalRecord;
  /** Its settlement has not been read. */
  open = true;

  /** @throws RecordError */
  constructor(payload: Payload) {
    this.record = new JournalRecord(payload);
    payload.byte();
    this.id = payload.text();
    this.startedAt = payload.uint();
  }
}

/** A call and how it ended; without that its process died. */
export interface JournalledCall {
  readonly started: StartedCall;
  readonly settled: JournalRecord | undefined;
}

export class JournalledCalls implements Calls {
  readonly #calls: readonly JournalledCall[];
  /** Places of those whose records cannot be read. */
  readonly #unreadable = new Set<number>();

  constructor(calls: readonly JournalledCall[]) {
    this.#calls = calls;
  }

  get length(): number {
    return this.#calls.length;
  }

  /** How many of them were found to be unreadable. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  id(at: number): string {
    return this.#calls[at]?.started.id ?? "";
  }

  startedAt(at: number): number {
    return this.#calls[at]?.started.startedAt ?? 0;
  }

  write(at: number, into: RowSink): boolean {
    const call = this.#calls[at];
    if (call === undefined) return false;
    try {
      if (call.settled === undefined) writeRow(rowOfCall(call), into);
      else {
        copyStarted(call.started.record.open(), into);
        copySettled(call.settled.open(), into);
      }
      return true;
    } catch (error) {
      this.#leaveOut(at, error);
      return false;
    }
  }

  rows(): readonly LedgerRow[] {
    const rows: LedgerRow[] = [];
    for (const [at, call] of this.#calls.entries()) {
      try {
        rows.push(rowOfCall(call));
      } catch (error) {
        this.#leaveOut(at, error);
      }
    }
    return rows;
  }

  /** @throws what is no fault of the record, as memory that is used up */
  #leaveOut(at: number, error: unknown): void {
    if (!(error instanceof RecordError)) throw error;
    this.#unreadable.add(at);
  }
}

function rowOfCall({ started, settled }: JournalledCall): LedgerRow {
  const call = readStarted(started.record.open());
  return settled === undefined
    ? rowOf(call, INTERRUPTED, true)
    : rowOf(call, readSettled(settled.open()), false);
}
