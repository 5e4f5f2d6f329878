/** Rows to DuckDB's column vectors, and DuckDB's values to the port's. */
import type * as DuckDB from "@duckdb/node-api";
import { formatUsd } from "../../core/money.ts";
import { COLUMNS, type ColumnType, type LedgerRow } from "../ledger-row.ts";
import type { Value } from "../ledger-store.ts";

type Api = typeof DuckDB;

const MONEY_WIDTH = 38;
const MONEY_SCALE = 12;

/** Rows in one vector of DuckDB's. */
const VECTOR_ROWS = 2048;

/** Appends rows to a table that has the columns of COLUMNS in their order. */
export function appendRows(api: Api, appender: DuckDB.DuckDBAppender, rows: readonly LedgerRow[]): void {
  const types = COLUMNS.map((_, index) => appender.columnType(index));
  for (let from = 0; from < rows.length; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows.length - from);
    const chunk = api.DuckDBDataChunk.create(types, count);
    COLUMNS.forEach(({ type, value }, index) => {
      const vector = chunk.getColumnVector(index) as Writable;
      const toDuckdb = WRITERS[type](api);
      for (let at = 0; at < count; at++) {
        const row = rows[from + at];
        const written = row === undefined ? undefined : value(row);
        vector.setItem(at, written === undefined ? null : toDuckdb(written));
      }
      vector.flush();
    });
    appender.appendDataChunk(chunk);
  }
}

interface Writable {
  setItem(index: number, value: DuckDB.DuckDBValue): void;
  flush(): void;
}

type Written = string | number | bigint | boolean;
type Writer = (api: Api) => (value: Written) => DuckDB.DuckDBValue;

const asIs: Writer = () => (value) => value;

const WRITERS: Record<ColumnType, Writer> = {
  text: asIs,
  category: asIs,
  boolean: asIs,
  float: asIs,
  integer: () => (value) => BigInt(value),
  money: (api) => (value) => new api.DuckDBDecimalValue(BigInt(value), MONEY_WIDTH, MONEY_SCALE),
  time: (api) => (value) => new api.DuckDBTimestampValue(BigInt(value) * 1000n),
};

/** A value of a result as the port has it. @throws TypeError for a type that no report asks for */
export function toValue(api: Api, value: DuckDB.DuckDBValue): Value {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return Number(value);
  if (value === null || value === undefined) return null;
  if (value instanceof api.DuckDBDecimalValue) {
    // Brought to twelve decimals, so that money is written in one way whatever the database made of its scale.
    const { value: digits, scale } = value;
    if (scale <= MONEY_SCALE) return formatUsd(digits * 10n ** BigInt(MONEY_SCALE - scale));
    return value.toString();
  }
  if (value instanceof api.DuckDBTimestampValue || value instanceof api.DuckDBTimestampTZValue) {
    return Number(value.micros) / 1000;
  }
  if (value instanceof api.DuckDBTimestampMillisecondsValue) return Number(value.millis);
  if (value instanceof api.DuckDBDateValue) return value.days * 86_400_000;
  throw new TypeError(`a report asked for a value that cannot be told: ${String(value)}`);
}
