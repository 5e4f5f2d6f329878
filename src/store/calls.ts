/**
 * Calls on their way into a database: as rows, or field by field, which spares a database that keeps columns the rows.
 */
import { COLUMNS, type LedgerRow } from "./ledger-row.ts";

/** Takes one call after the other. A column is named by its place in COLUMNS; one that is not named has no value. */
export interface RowSink {
  /** UTF-8, from `start` to before `end`. */
  text(column: number, bytes: Uint8Array, start: number, end: number): void;
  /** A whole number of at most 53 bits; milliseconds for a time. */
  integer(column: number, value: number): void;
  float(column: number, value: number): void;
  boolean(column: number, value: boolean): void;
  /** Pico-dollars. */
  money(column: number, pico: number | bigint): void;
}

export interface Calls {
  readonly length: number;
  id(at: number): string;
  /** Milliseconds since the epoch. */
  startedAt(at: number): number;
  /** Writes a call's fields; false when it cannot be read, and what was written of it does not count. */
  write(at: number, into: RowSink): boolean;
  /** Those that can be read. */
  rows(): readonly LedgerRow[];
}

const PLACES = new Map(COLUMNS.map(({ name }, place) => [name, place]));

/** The place of a column. @throws Error when there is none of this name */
export function placeOf(name: string): number {
  const place = PLACES.get(name);
  if (place === undefined) throw new Error(`the ledger has no column ${name}`);
  return place;
}

/** Rows as calls. */
export class RowCalls implements Calls {
  readonly #rows: readonly LedgerRow[];

  constructor(rows: readonly LedgerRow[]) {
    this.#rows = rows;
  }

  get length(): number {
    return this.#rows.length;
  }

  id(at: number): string {
    return this.#rows[at]?.id ?? "";
  }

  startedAt(at: number): number {
    return this.#rows[at]?.startedAt ?? 0;
  }

  write(at: number, into: RowSink): boolean {
    const row = this.#rows[at];
    if (row !== undefined) writeRow(row, into);
    return row !== undefined;
  }

  rows(): readonly LedgerRow[] {
    return this.#rows;
  }
}

export function writeRow(row: LedgerRow, into: RowSink): void {
  for (let column = 0; column < COLUMNS.length; column++) {
    const value = COLUMNS[column]?.value(row);
    if (value === undefined) continue;
    switch (COLUMNS[column]?.type) {
      case "integer":
      case "time":
        into.integer(column, Number(value));
        break;
      case "float":
        into.float(column, Number(value));
        break;
      case "boolean":
        into.boolean(column, value === true);
        break;
      case "money":
        into.money(column, BigInt(value));
        break;
      default: {
        const bytes = Buffer.from(String(value));
        into.text(column, bytes, 0, bytes.length);
      }
    }
  }
}
