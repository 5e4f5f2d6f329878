/** Reads what somebody asks of an export: untrusted text from a URL. */
import { BellwetherError } from "../../core/errors.ts";
import type { ReportParameters } from "../reports/query.ts";
import { parseTime, TIME_FORMS, type TimeRange } from "../reports/time-range.ts";
import { checkedTimeZone } from "../reports/time-zone.ts";
import { type ExportRange, type TextFormatName, textFormats } from "./export-rows.ts";

export interface ExportQuery extends ExportRange {
  readonly format: TextFormatName;
}

const PARAMETERS = ["from", "to", "tz", "format", "archived"];

/** Without a range all that there is until now. @throws BellwetherError `bad_parameter` */
export function parseExport(parameters: ReportParameters, now: number): ExportQuery {
  const given = (name: string): string | undefined => {
    const value = parameters[name];
    const values = typeof value === "string" ? [value] : (value ?? []);
    if (values.length > 1) fail(name, "is given more than once");
    return values[0];
  };
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.includes(name))
      fail(name, `there is no such parameter; known are ${PARAMETERS.join(", ")}`);
  }
  const tz = given("tz") ?? "UTC";
  const timeZone = checkedTimeZone(tz) ?? fail("tz", `${shown(tz)} is no time zone; write it as UTC`);
  const moment = (name: "from" | "to"): TimeRange | undefined => {
    const text = given(name);
    if (text === undefined) return undefined;
    return parseTime(text, now, timeZone) ?? fail(name, `${shown(text)} is no time; write ${TIME_FORMS}`);
  };
  const from = moment("from")?.from ?? 0;
  const to = moment("to")?.to ?? now + 1;
  if (from >= to) fail("to", "the range is empty: it ends before it begins");
  const format = given("format") ?? "csv";
  if (!isTextFormat(format))
    return fail("format", `${shown(format)} is none of ${Object.keys(textFormats).join(", ")}`);
  const archived = given("archived") ?? "false";
  if (!["true", "false", "1", "0", ""].includes(archived))
    fail("archived", `${shown(archived)} is neither true nor false`);
  return { from, to, archived: !["false", "0"].includes(archived), format };
}

function isTextFormat(name: string): name is TextFormatName {
  return Object.hasOwn(textFormats, name);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

function fail(parameter: string, why: string): never {
  throw new BellwetherError("bad_parameter", { parameter, why });
}
