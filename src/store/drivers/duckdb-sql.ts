/** What DuckDB writes in its own way. */
import type { SqlDialect } from "../ledger-store.ts";

/** `source` gives the SQL of the table, with or without the archive. */
export function duckdbSql(source: (archived: boolean) => string): SqlDialect {
  return {
    table: source,
    param(index, type) {
      const place = `$${index + 1}`;
      switch (type) {
        case "text":
          return `${place}::VARCHAR`;
        case "integer":
          return `${place}::BIGINT`;
        case "float":
          return `${place}::DOUBLE`;
        case "time":
          return `make_timestamp(${place}::BIGINT * 1000)`;
      }
    },
    quantile: (expression, q) => `quantile_cont((${expression})::DOUBLE, ${q})`,
    like: (expression, pattern) => `(${expression}) LIKE ${pattern} ESCAPE '\\'`,
    countIf: (condition) => `count(*) FILTER (WHERE ${condition})`,
    truncate(unit, expression, timeZone) {
      const zone = quoted(timeZone);
      if (timeZone === "UTC") return `date_trunc('${unit}', ${expression})`;
      // The calendar's units start by the zone's clock. An hour, though, is counted from its day's start, so that
      // the hour that is repeated when summer ends is two.
      const day = `timezone(${zone}, date_trunc('day', timezone(${zone}, (${expression})::TIMESTAMPTZ)))`;
      const start =
        unit === "minute" || unit === "hour"
          ? `(${day} + to_seconds((epoch_ms((${expression})::TIMESTAMPTZ) - epoch_ms(${day})) // ${SECONDS[unit] * 1000} * ${SECONDS[unit]}))`
          : `timezone(${zone}, date_trunc('${unit}', timezone(${zone}, (${expression})::TIMESTAMPTZ)))`;
      return `(${start}) AT TIME ZONE 'UTC'`;
    },
    sumMoney: (expression) => `sum(${expression})`,
  };
}

const SECONDS = { minute: 60, hour: 3600 } as const;

/** Text as a literal. DuckDB knows no escapes in '…' but the doubled quote. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
