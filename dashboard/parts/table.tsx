/** A table of values: sorted by a click on a column's head, wide ones scroll within their frame. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Unit } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import type { Value } from "../show/values.ts";

export interface TableColumn {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  /** Where in a row its value is. */
  readonly at: number;
  /** A bar behind the value shows how large it is among the others. */
  readonly bar?: boolean;
  /** In place of the value's text. */
  readonly draw?: ((value: Value, row: readonly Value[]) => ComponentChildren) | undefined;
}

interface TableProps {
  /** What the table holds, for those who do not see it. */
  readonly label: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Value[])[];
  readonly totals?: readonly Value[] | undefined;
  /** Rows that were left out. */
  readonly omitted?: number | undefined;
  /** False where the order says something. */
  readonly sortable?: boolean;
}

interface Sorting {
  readonly at: number;
  readonly rising: boolean;
}

export function Table({ label, columns, rows, totals, omitted, sortable = true }: TableProps) {
  const { t, show } = useSpeech();
  const [sorting, setSorting] = useState<Sorting>();
  const sorted = useMemo(() => (sorting === undefined ? rows : sortedBy(rows, sorting)), [rows, sorting]);
  const largest = useMemo(
    () =>
      new Map(columns.map(({ at }) => [at, Math.max(...rows.map((row) => Math.abs(Number(row[at] ?? 0))))])),
    [columns, rows],
  );
  const sort = ({ at, unit }: TableColumn) =>
    setSorting(sorting?.at === at ? { at, rising: !sorting.rising } : { at, rising: unit === "text" });
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form; this scrolls, and has to be reachable */}
      <div class="table-frame" role="group" tabIndex={0} aria-label={label}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.name}
                  scope="col"
                  class={classOf(column)}
                  aria-sort={
                    sorting?.at !== column.at ? undefined : sorting.rising ? "ascending" : "descending"
                  }
                >
                  {sortable ? (
                    <button type="button" onClick={() => sort(column)}>
                      {column.title}
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row, index) => (
              <tr key={index}>
                {columns.map((column, place) => (
                  <Cell
                    key={column.name}
                    column={column}
                    row={row}
                    head={place === 0}
                    share={
                      column.bar === true
                        ? Number(row[column.at] ?? 0) / (largest.get(column.at) || 1)
                        : undefined
                    }
                  />
                ))}
              </tr>
            ))}
          </tbody>
          {totals !== undefined && rows.length > 1 && (
            <tfoot>
              <tr>
                {columns.map(({ name, at, unit }, place) => (
                  <td key={name} class={classOf({ unit })}>
                    {place === 0
                      ? t("table.total")
                      : totals[at] == null
                        ? ""
                        : show.value(totals[at], unit, name)}
                  </td>
                ))}
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      {omitted !== undefined && omitted > 0 && (
        <p class="hint">{t("table.omitted", { count: show.count(omitted) })}</p>
      )}
    </>
  );
}

interface CellProps {
  readonly column: TableColumn;
  readonly row: readonly Value[];
  readonly head: boolean;
  /** 0 to 1: the bar's length. */
  readonly share: number | undefined;
}

function Cell({ column: { name, at, unit, draw }, row, head, share }: CellProps) {
  const { show } = useSpeech();
  const value = row[at];
  const content = draw === undefined ? show.value(value, unit, name) : draw(value, row);
  const classes = `${classOf({ unit })}${value == null ? " nothing" : ""}`;
  if (head) {
    return (
      <th scope="row" class={classes}>
        {content}
      </th>
    );
  }
  return (
    <td class={classes}>
      {share !== undefined && share > 0 && (
        <i class="bar" style={{ width: `${Math.max(1, share * 100)}%` }} />
      )}
      {content}
    </td>
  );
}

/** Numbers stand below each other by their last digit, words and times by their first. */
function classOf({ unit }: Pick<TableColumn, "unit">): string {
  return unit === "text" || unit === "time" ? "" : "number";
}

/** Numbers by size, also exact decimal text; what is not there comes last. */
function sortedBy(
  rows: readonly (readonly Value[])[],
  { at, rising }: Sorting,
): readonly (readonly Value[])[] {
  const direction = rising ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [left, right] = [a[at] ?? null, b[at] ?? null];
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
    const [x, y] = [Number(left), Number(right)];
    const order = Number.isNaN(x) || Number.isNaN(y) ? String(left).localeCompare(String(right)) : x - y;
    return order * direction;
  });
}
