/** A report's table with the columns a view wants, named in the reader's language, its groups leading on. */
import type { ComponentChildren } from "preact";
import type { ReportTable } from "../../src/http/api.ts";
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import type { Value } from "../show/values.ts";
import { Table, type TableColumn } from "./table.tsx";

/** The names of reports' columns; those that are not here are understood in any language (p50, 4xx, ids). */
const TITLES: Readonly<Record<string, MessageKey>> = {
  model: "column.model",
  app: "column.app",
  team: "column.team",
  upstream: "column.upstream",
  endpoint: "column.endpoint",
  route: "column.route",
  status: "column.status",
  calls: "column.calls",
  success_rate: "column.success",
  error_rate: "column.errors",
  availability: "column.available",
  first_token_p50_ms: "column.firstTokenP50",
  first_token_p95_ms: "column.firstTokenP95",
  first_token_ms: "column.firstToken",
  input_tokens: "column.input",
  output_tokens: "column.output",
  cached_input_tokens: "column.cached",
  cost_usd: "column.cost",
  cost_share: "column.share",
  share: "column.share",
  list_cost_usd: "column.list",
  saving_usd: "column.saving",
  saving_ratio: "column.saved",
  cost_per_1k_tokens_usd: "column.per1k",
  cost_per_1m_tokens_usd: "column.per1m",
  of_list_price: "column.ofList",
  at_cheapest_usd: "column.atCheapest",
  last_seen: "column.lastSeen",
  error_type: "column.error",
  error_code: "column.code",
  started_at: "column.time",
  duration_ms: "column.took",
  source: "column.usage",
};

type Draw = (value: Value, row: readonly Value[]) => ComponentChildren;

interface ReportTableProps {
  readonly label: string;
  readonly table: ReportTable;
  /** Names of columns in the order they are shown; all unless given. */
  readonly columns?: readonly string[];
  readonly bars?: readonly string[];
  readonly draw?: Readonly<Record<string, Draw>>;
  readonly totals?: boolean;
  readonly sortable?: boolean;
}

export function ReportTableView({
  label,
  table,
  columns,
  bars = [],
  draw = {},
  totals = true,
  sortable,
}: ReportTableProps) {
  const { t } = useSpeech();
  const names = columns ?? table.columns.map(({ name }) => name);
  const shown = names.flatMap((name): TableColumn[] => {
    const at = table.columns.findIndex((column) => column.name === name);
    const column = table.columns[at];
    if (column === undefined) return [];
    const key = Object.hasOwn(TITLES, name) ? TITLES[name] : undefined;
    const title = key === undefined ? column.title : t(key);
    return [{ name, title, unit: column.unit, at, bar: bars.includes(name), draw: draw[name] }];
  });
  return (
    <Table
      label={label}
      columns={shown}
      rows={table.rows}
      totals={totals ? table.totals : undefined}
      omitted={table.omitted}
      {...(sortable !== undefined && { sortable })}
    />
  );
}
