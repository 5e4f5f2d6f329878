/** DuckDB's values as the port has them. */
import type * as DuckDB from "@duckdb/node-api";
import { formatUsd } from "../../core/money.ts";
import type { Value } from "../ledger-store.ts";

const MONEY_SCALE = 12;

/** A value of a result as the port has it. @throws TypeError for a type that no report asks for */
export function toValue(api: typeof DuckDB, value: DuckDB.DuckDBValue): Value {
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
