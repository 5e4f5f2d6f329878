/**
 * The DuckDB file's schema, as the steps that led to it. A step that has been released is never changed: a file
 * made by any version is brought forward by the steps it has not seen. Step n makes version n.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { StoreError } from "../store-error.ts";

const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE calls (
      id VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, app VARCHAR NOT NULL, team VARCHAR NOT NULL,
      upstream VARCHAR NOT NULL, endpoint VARCHAR NOT NULL, model VARCHAR NOT NULL,
      model_requested VARCHAR NOT NULL, model_sent VARCHAR NOT NULL, model_answered VARCHAR NOT NULL,
      route VARCHAR NOT NULL, probe BOOLEAN NOT NULL, streaming BOOLEAN NOT NULL, interrupted BOOLEAN NOT NULL,
      method VARCHAR NOT NULL, path VARCHAR NOT NULL, status BIGINT NOT NULL, error_type VARCHAR,
      error_code VARCHAR, trace_id VARCHAR NOT NULL, upstream_request_id VARCHAR NOT NULL,
      service_tier VARCHAR NOT NULL, source VARCHAR NOT NULL, billable BOOLEAN NOT NULL, input_tokens BIGINT,
      cached_input_tokens BIGINT, cache_write_5m_tokens BIGINT, cache_write_1h_tokens BIGINT,
      audio_input_tokens BIGINT, image_input_tokens BIGINT, output_tokens BIGINT, reasoning_tokens BIGINT,
      audio_output_tokens BIGINT, image_output_tokens BIGINT, images BIGINT, characters BIGINT, audio_ms BIGINT,
      cost DECIMAL(38, 12), list_cost DECIMAL(38, 12), duration_ms DOUBLE NOT NULL, first_token_ms DOUBLE,
      first_byte_ms DOUBLE, overhead_ms DOUBLE NOT NULL, bytes_in BIGINT NOT NULL, bytes_out BIGINT NOT NULL,
      retries BIGINT NOT NULL)`,
  ],
  [`CREATE TABLE archived_days (day DATE NOT NULL, calls BIGINT NOT NULL, archived_at TIMESTAMP NOT NULL)`],
  // Programs before this one add calls without adding to the sums of their hours (duckdb-rollups.ts).
  [
    `CREATE TABLE rollup_state (level VARCHAR NOT NULL, until_time TIMESTAMP NOT NULL, definition VARCHAR NOT NULL)`,
  ],
  ["ALTER TABLE calls ADD COLUMN sent_ms DOUBLE"],
];

/** The version that this program writes. */
export const SCHEMA_VERSION = STEPS.length;

/**
 * Brings the file to `target` (for tests; the newest version otherwise), each step in a transaction.
 * @throws StoreError `newer-schema` when the file was written by a newer program
 */
export async function migrateDuckdb(
  connection: DuckDBConnection,
  path: string,
  target = SCHEMA_VERSION,
): Promise<void> {
  await connection.run(
    "CREATE TABLE IF NOT EXISTS bellwether_schema (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)",
  );
  const found = await connection.runAndReadAll("SELECT coalesce(max(version), 0) FROM bellwether_schema");
  const version = Number(found.getRows()[0]?.[0]);
  if (version > SCHEMA_VERSION) throw newerSchema(path, version, SCHEMA_VERSION);
  for (let next = version + 1; next <= target; next++) {
    await connection.run("BEGIN");
    try {
      for (const statement of STEPS[next - 1] ?? []) await connection.run(statement);
      await connection.run(
        `INSERT INTO bellwether_schema VALUES (${next}, current_timestamp AT TIME ZONE 'UTC')`,
      );
      await connection.run("COMMIT");
    } catch (error) {
      await connection.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }
}

/** What is thrown for a database that a newer program wrote. */
export function newerSchema(where: string, version: number, known: number): StoreError {
  return new StoreError(
    "newer-schema",
    `The ledger ${where} has schema version ${version}; this program knows ${known} at most. Run the newer Bellwether that wrote it, or name another \`ledger.path\`.`,
  );
}
