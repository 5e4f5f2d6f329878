/**
 * The ClickHouse database's schema, as the steps that led to it; like that of the DuckDB file. A step may be run
 * again: such servers have no transactions for it. Partitions are days, so that retention drops them whole; rows
 * lie in the order of their ids, which is the order of time.
 */
import { StoreError } from "../store-error.ts";

/** A statement; a column is added unless it is there: old servers know no `IF NOT EXISTS` for columns. */
type Step = string | { readonly column: string; readonly type: string };

const STEPS: readonly (readonly Step[])[] = [
  [
    `CREATE TABLE IF NOT EXISTS calls (
      id String, started_at Int64, app String, team String, upstream String, endpoint String, model String,
      model_requested String, model_sent String, model_answered String, route String, probe UInt8,
      streaming UInt8, interrupted UInt8, method String, path String, status Int64, error_type Nullable(String),
      error_code Nullable(String), trace_id String, upstream_request_id String, service_tier String,
      source String, billable UInt8, input_tokens Nullable(Int64), cached_input_tokens Nullable(Int64),
      cache_write_5m_tokens Nullable(Int64), cache_write_1h_tokens Nullable(Int64),
      audio_input_tokens Nullable(Int64), image_input_tokens Nullable(Int64), output_tokens Nullable(Int64),
      reasoning_tokens Nullable(Int64), audio_output_tokens Nullable(Int64), image_output_tokens Nullable(Int64),
      images Nullable(Int64), characters Nullable(Int64), audio_ms Nullable(Int64),
      cost Nullable(Decimal(38, 12)), list_cost Nullable(Decimal(38, 12)), duration_ms Float64,
      first_token_ms Nullable(Float64), first_byte_ms Nullable(Float64), overhead_ms Float64, bytes_in Int64,
      bytes_out Int64, retries Int64
    ) ENGINE = ReplacingMergeTree() PARTITION BY toYYYYMMDD(toDateTime(intDiv(started_at, 1000), 'UTC')) ORDER BY id`,
  ],
  [
    `CREATE TABLE IF NOT EXISTS archived_days (day String, calls Int64, archived_at DateTime)
      ENGINE = ReplacingMergeTree() ORDER BY day`,
  ],
  [{ column: "sent_ms", type: "Nullable(Float64)" }],
];

export const CLICKHOUSE_SCHEMA_VERSION = STEPS.length;

export interface Statements {
  command(text: string): Promise<void>;
  /** The one value that a statement gives. */
  number(text: string): Promise<number>;
}

/** Brings the database to `target` (for tests; the newest version otherwise). @throws StoreError `newer-schema` */
export async function migrateClickhouse(
  { command, number }: Statements,
  database: string,
  target = CLICKHOUSE_SCHEMA_VERSION,
): Promise<void> {
  await command(
    "CREATE TABLE IF NOT EXISTS bellwether_schema (version UInt32, applied_at DateTime) ENGINE = MergeTree() ORDER BY version",
  );
  const version = await number("SELECT max(version) AS n FROM bellwether_schema");
  if (version > CLICKHOUSE_SCHEMA_VERSION) {
    throw new StoreError(
      "newer-schema",
      `The ClickHouse database \`${database}\` has schema version ${version}; this program knows ${CLICKHOUSE_SCHEMA_VERSION} at most. Run the newer Bellwether that wrote it, or name another \`ledger.clickhouse.database\`.`,
    );
  }
  for (let next = version + 1; next <= target; next++) {
    for (const step of STEPS[next - 1] ?? []) {
      if (typeof step === "string") await command(step);
      else if ((await number(columnsNamed(step.column))) === 0) {
        await command(`ALTER TABLE calls ADD COLUMN ${step.column} ${step.type}`);
      }
    }
    await command(`INSERT INTO bellwether_schema SELECT ${next}, now()`);
  }
}

function columnsNamed(name: string): string {
  return `SELECT count() AS n FROM system.columns WHERE database = currentDatabase() AND table = 'calls' AND name = '${name}'`;
}
