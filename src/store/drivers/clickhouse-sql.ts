/** What ClickHouse writes in its own way, in words that servers know since 18.16. */
import type { Query, SqlDialect } from "../ledger-store.ts";

/**
 * Times are Int64 milliseconds: old servers have no type with milliseconds. Parameters are `{p0:…}` and are
 * replaced by literals before the statement is sent, because old servers know none.
 */
export const clickhouseSql: SqlDialect = {
  // FINAL: should a retried insert have been written twice, its calls still count once.
  table: () => "calls FINAL",
  param: (index, type) => `{p${index}:${type}}`,
  quantile(expression, q) {
    const sorted = `arraySort(groupArray(toFloat64(${expression})))`;
    const count = `count(${expression})`;
    const at = `((${count} - 1) * ${q})`;
    const low = `arrayElement(${sorted}, toUInt32(floor(${at})) + 1)`;
    const high = `arrayElement(${sorted}, toUInt32(ceil(${at})) + 1)`;
    return `if(${count} = 0, NULL, ${low} + (${high} - ${low}) * (${at} - floor(${at})))`;
  },
  like: (expression, pattern) => `like(${expression}, ${pattern})`,
  countIf: (condition) => `countIf(${condition})`,
  truncate(unit, expression, timeZone) {
    const zone = quoted(timeZone);
    const seconds = `intDiv(${expression}, 1000)`;
    const local = `toDateTime(${seconds}, ${zone})`;
    const start = (day: string) => `toInt64(toUnixTimestamp(toDateTime(${day}, ${zone})))`;
    const day = start(`toDate(${local}, ${zone})`);
    switch (unit) {
      // Counted from the day's start, as zones may be half an hour off and an hour may come twice.
      case "minute":
        return `((${day} + intDiv(${seconds} - ${day}, 60) * 60) * 1000)`;
      case "hour":
        return `((${day} + intDiv(${seconds} - ${day}, 3600) * 3600) * 1000)`;
      case "day":
        return `(${day} * 1000)`;
      case "week":
        return `(${start(`toMonday(${local}, ${zone})`)} * 1000)`;
      case "month":
        return `(${start(`toStartOfMonth(${local}, ${zone})`)} * 1000)`;
    }
  },
  sumMoney: (expression) => `sum(${expression})`,
};

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  "\0": "\\0",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Text as a literal. */
export function quoted(text: string): string {
  return `'${text.replace(/[\\'\0\n\r\t]/g, (found) => ESCAPES[found] ?? found)}'`;
}

/** The statement with its parameters in their places. @throws TypeError when one does not fit its type */
export function withParams({ text, params }: Query): string {
  return text.replace(/\{p(\d+):(text|integer|float|time)\}/g, (_, index: string, type: string) => {
    const param = params[Number(index)];
    if (type === "text" && typeof param === "string") return quoted(param);
    if (type === "float" && typeof param === "number" && Number.isFinite(param)) return String(param);
    if (typeof param === "number" && Number.isSafeInteger(param) && type !== "text") return String(param);
    throw new TypeError(`parameter ${index} of a statement is to be ${type}`);
  });
}
