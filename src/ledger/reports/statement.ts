/** Puts one statement together: text from this folder only, and whatever a user wrote as its parameters. */
import type { LedgerStore, Query, Rollups, SqlDialect } from "../../store/ledger-store.ts";
import { labelSql } from "./app-labels.ts";
import type { Piece } from "./pieces.ts";
import type { FilterName, Grouping, ReportQuery } from "./report.ts";

const HOUR_MS = 3_600_000;

/** The columns behind the filters. */
const FILTER_COLUMN: Readonly<Record<FilterName, string>> = {
  model: "model",
  app: "app",
  team: "team",
  upstream: "upstream",
  endpoint: "endpoint",
  route: "route",
  status: "status",
  error: "error_type",
  id: "id",
  trace: "trace_id",
};

export class Statement {
  readonly dialect: SqlDialect;
  readonly #rollups: Rollups | undefined;
  readonly #params: (string | number | boolean)[] = [];

  constructor(store: LedgerStore) {
    this.dialect = store.sql;
    this.#rollups = store.rollups;
  }

  /** Adds a parameter and returns its place. */
  param(value: string | number, type: "text" | "integer" | "float" | "time"): string {
    this.#params.push(value);
    return this.dialect.param(this.#params.length - 1, type);
  }

  query(text: string): Query {
    return { text, params: this.#params };
  }

  /** `FROM … WHERE …` of the calls that are asked of, or of one piece of them. */
  source(query: ReportQuery, condition?: string, piece?: Piece): string {
    const table = piece?.level === undefined ? undefined : this.#rollups?.table(piece.level);
    const conditions = [
      ...this.#times(piece === undefined ? query : { ...query, from: piece.from, to: piece.to }),
      ...(query.probes ? [] : ["NOT probe"]),
      ...Object.entries(query.where).map(([name, values]) => this.#matches(name as FilterName, values)),
      ...(condition === undefined ? [] : [condition]),
    ];
    return `FROM ${table ?? this.dialect.table(query.archived)} WHERE ${conditions.join(" AND ")}`;
  }

  /** Ids begin with their time, so that calls by id need no look at the whole ledger. */
  #times(query: ReportQuery): string[] {
    const times = query.where.id?.map(timeOfId) ?? [];
    const known = times.filter((time) => time !== undefined);
    const byId = known.length > 0 && known.length === times.length;
    const from = byId ? Math.min(...known) - HOUR_MS : query.from;
    const to = byId ? Math.max(...known) + HOUR_MS : query.to;
    return [`started_at >= ${this.param(from, "time")}`, `started_at < ${this.param(to, "time")}`];
  }

  #matches(name: FilterName, values: readonly string[]): string {
    const column = FILTER_COLUMN[name];
    const alternatives = values.map((value) => {
      if (name === "status") return this.#status(value);
      if (!value.includes("*")) return `${column} = ${this.param(value, "text")}`;
      return this.dialect.like(column, this.param(likePattern(value), "text"));
    });
    return `(${alternatives.join(" OR ")})`;
  }

  /** `429`, or `4*` and `4**`: the statuses that begin so. */
  #status(value: string): string {
    if (!value.includes("*")) return `status = ${this.param(Number(value), "integer")}`;
    const prefix = value.slice(0, value.indexOf("*")).slice(0, 3);
    const lowest = Number(prefix.padEnd(3, "0"));
    const highest = Number(prefix.padEnd(3, "9"));
    return `(status >= ${this.param(lowest, "integer")} AND status <= ${this.param(highest, "integer")})`;
  }
}

/** A time's SQL is the start of its unit, a label's a choice by app; every other dimension is a column. */
export function groupingSql(statement: Statement, grouping: Grouping, timeZone: string): string {
  if (typeof grouping !== "string") return labelSql(grouping, (text) => statement.param(text, "text"));
  switch (grouping) {
    case "minute":
    case "hour":
    case "day":
    case "week":
    case "month":
      return statement.dialect.truncate(grouping, "started_at", timeZone);
    case "model":
    case "app":
    case "team":
    case "upstream":
    case "endpoint":
    case "route":
    case "status":
      return grouping;
  }
}

/** A pattern in which `*` is any text, for LIKE. */
function likePattern(pattern: string): string {
  return pattern.replace(/[\\%_]/g, "\\$&").replace(/\*+/g, "%");
}

/** The time that a UUIDv7 begins with, in milliseconds since the epoch. */
function timeOfId(id: string): number | undefined {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id)
    ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    : undefined;
}
