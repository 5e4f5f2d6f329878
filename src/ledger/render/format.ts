/** Values as people read them. Pure; what is computed with is the value itself, never this text. */
import type { Value } from "../../store/ledger-store.ts";
import type { ReportColumn, ReportResult, Unit } from "../reports/report.ts";
import { localTime } from "../reports/time-zone.ts";

const SIGN: Readonly<Partial<Record<Unit, string>>> = { usd: "$", cny: "¥" };

/** Units whose numbers stand under each other at the right. */
export function isNumeric(unit: Unit): boolean {
  return unit !== "text" && unit !== "time";
}

/** A value in its column; what is not known is a dash. */
export function formatValue(value: Value, column: ReportColumn, timeZone: string): string {
  if (value === null) return "–";
  switch (column.unit) {
    case "text":
      return String(value) === "" ? "–" : printable(String(value));
    case "count":
    case "tokens":
      return column.name === "status" ? String(value) : Number(value).toLocaleString("en");
    case "ratio":
      return `${percent(Number(value))} %`;
    case "milliseconds":
      return formatMs(Number(value));
    case "bytes":
      return formatBytes(Number(value));
    case "usd":
    case "cny":
      return formatMoney(String(value), SIGN[column.unit] ?? "");
    case "time":
      return formatTime(Number(value), column.name, timeZone);
  }
}

/** 99.95 is not 100: close to either end there are more decimals. */
function percent(ratio: number): string {
  const value = ratio * 100;
  if (value === 0 || value === 100) return String(value);
  return value.toFixed(Math.abs(value) > 99 || Math.abs(value) < 1 ? 2 : 1);
}

export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Cents from a dollar up; below, four digits that count. Rounded for the eye only. */
export function formatMoney(decimal: string, sign: string): string {
  const value = Number(decimal);
  const size = Math.abs(value);
  const minus = value < 0 ? "-" : "";
  if (size === 0) return `${sign}0`;
  if (size >= 1) {
    const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return `${minus}${sign}${size.toLocaleString("en", digits)}`;
  }
  const places = Math.min(12, Math.max(4, 3 - Math.floor(Math.log10(size))));
  return `${minus}${sign}${size.toFixed(places).replace(/0+$/, "")}`;
}

function formatTime(at: number, column: string, timeZone: string): string {
  const { year, month, day, hour, minute, second } = localTime(at, timeZone);
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${year}-${two(month)}-${two(day)}`;
  if (column === "month") return date.slice(0, 7);
  if (column === "day" || column === "week") return date;
  const time = `${date} ${two(hour)}:${two(minute)}`;
  return column === "hour" || column === "minute" ? time : `${time}:${two(second)}`;
}

/** The range of a result in words: the last day is named, not the day after it. */
export function formatRange({ from, to, timeZone }: ReportResult): string {
  const column = { name: "hour", title: "", unit: "time" } as const;
  const text = (at: number) => formatValue(at, column, timeZone).replace(/ 00:00$/, "");
  const start = text(from);
  const end = text(to);
  const whole = !start.includes(" ") && !end.includes(" ");
  const last = whole ? text(to - 1).slice(0, 10) : end;
  return start === last ? `${start} (${timeZone})` : `${start} to ${last} (${timeZone})`;
}

/** Names come from clients: nothing in them may move the cursor or turn the text around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�");
}
