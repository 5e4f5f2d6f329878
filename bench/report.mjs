/** Tables and verdicts as text. */
import { DISTURBED } from "./machine.mjs";

/** A figure, or a dash where there is none (nothing came through, so there is nothing to divide by). */
export function fixed(value, digits) {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

export function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}

/** The share of the contender's core that others had, marked when it was too much. */
export function othersCell({ others }) {
  return `${percent(others)}${others > DISTURBED ? " !" : ""}`;
}

export function table({ title, columns, rows, notes = [] }) {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [title, "", line(columns), rule, ...rows.map(line), ...notes.map((note) => `  ${note}`), ""].join(
    "\n",
  );
}

/** A verdict's target is a ceiling unless `atLeast`. */
export function met({ value, target, atLeast = false }) {
  return atLeast ? value >= target : value <= target;
}

function verdictTable(verdicts) {
  return table({
    title: "Targets",
    columns: ["", "measured", "target", ""],
    rows: verdicts.map((verdict) => [
      verdict.what,
      fixed(verdict.value, verdict.digits),
      `${verdict.atLeast ? "≥" : "≤"} ${verdict.target}`,
      met(verdict) ? "met" : "MISSED",
    ]),
  });
}

export function machineLine(machine) {
  return `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, Node.js ${machine.node}; contenders alone on core ${machine.contenderCpu}, load and upstream on ${machine.loadCpus.join(",")}.`;
}

/** The whole report of some measures' results. */
export function report(machine, measures, results) {
  const present = measures.filter((measure) => results[measure.name] !== undefined);
  const tables = present.flatMap((measure) => measure.tables(results[measure.name]));
  const verdicts = present.flatMap((measure) => measure.verdicts(results[measure.name]));
  return [
    machineLine(machine),
    "",
    ...tables.map(table),
    ...(verdicts.length > 0 ? [verdictTable(verdicts)] : []),
  ].join("\n");
}
