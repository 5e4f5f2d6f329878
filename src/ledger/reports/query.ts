/**
 * Reads what somebody asks of a report: untrusted text from a command line or a URL. Values stay values (they
 * become parameters of the statement), names come from lists, time zones and dates are checked.
 */
import { nearest } from "../../config/problems.ts";
import { BellwetherError } from "../../core/errors.ts";
import { appLabel, type LabelledApp, labelDimension, labelsOf } from "./app-labels.ts";
import {
  DIMENSIONS,
  FILTERS,
  type FilterName,
  type Grouping,
  type Report,
  type ReportQuery,
} from "./report.ts";
import { parseTime, TIME_FORMS, type TimeRange } from "./time-range.ts";
import { checkedTimeZone } from "./time-zone.ts";

/** Parameters as they come from a URL or a command line, by name. */
export type ReportParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Besides these, each filter's name is a parameter: `model=gpt-4.1` is `where=model=gpt-4.1`. */
const OWN_PARAMETERS = ["from", "to", "tz", "by", "where", "probes", "archived", "limit"] as const;
export const PARAMETERS: readonly string[] = [...OWN_PARAMETERS, ...FILTERS];

const MAX_LIMIT = 10_000;
const MAX_VALUES = 50;
const MAX_VALUE_LENGTH = 256;

/** More than any ledger keeps; a longer range is a mistake that would take long. */
const MAX_RANGE_MS = 20 * 366 * 86_400_000;

/**
 * @param apps those whose labels can be grouped by
 * @throws BellwetherError `bad_parameter`, naming the parameter and what to write instead.
 */
export function parseQuery(
  report: Pick<Report, "defaultFrom" | "groups" | "name">,
  parameters: ReportParameters,
  now: number,
  apps: readonly LabelledApp[] = [],
): ReportQuery {
  for (const name of Object.keys(parameters)) {
    if (!PARAMETERS.includes(name)) fail(name, `there is no such parameter${suggest(name, PARAMETERS)}`);
  }
  const timeZone = parseTimeZone(single(parameters, "tz"));
  const by = parseGroupings(parameters.by, apps);
  if (by.length > 0 && !report.groups) fail("by", `the report ${report.name} lists single calls`);
  return {
    ...parseRange(parameters, report.defaultFrom, now, timeZone),
    now,
    timeZone,
    by,
    where: parseFilters(parameters),
    probes: flag(parameters, "probes"),
    archived: flag(parameters, "archived"),
    limit: parseLimit(single(parameters, "limit")),
  };
}

function parseTimeZone(text: string | undefined): string {
  if (text === undefined) return Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = checkedTimeZone(text);
  if (known !== undefined) return known;
  return fail(
    "tz",
    `${shown(text)} is no time zone${suggest(text, Intl.supportedValuesOf("timeZone"))}; write it as Asia/Shanghai or UTC`,
  );
}

function parseRange(
  parameters: ReportParameters,
  defaultFrom: string,
  now: number,
  timeZone: string,
): TimeRange {
  const read = (name: "from" | "to", text: string): TimeRange =>
    parseTime(text, now, timeZone) ?? fail(name, `${shown(text)} is no time; write ${TIME_FORMS}`);
  const fromText = single(parameters, "from");
  const toText = single(parameters, "to");
  const begin = read("from", fromText ?? defaultFrom);
  const end = toText === undefined ? undefined : read("to", toText);
  // `--from yesterday` alone is yesterday; `--from 7d` and `--from 2026-03-01` go on until now.
  const closed = fromText !== undefined && /^(yesterday|last[-_]|\d{4}-\d{2}$)/i.test(fromText.trim());
  const to = end?.to ?? (closed ? begin.to : Math.max(now, begin.from));
  const { from } = begin;
  if (from > now) fail("from", `${shown(fromText ?? defaultFrom)} lies in the future`);
  if (from >= to) {
    const [start, stop] = [fromText ?? defaultFrom, toText ?? "now"];
    fail("to", `the range is empty: it begins at ${shown(start)} and ends at ${shown(stop)}`);
  }
  if (to - from > MAX_RANGE_MS) fail("from", "the range is longer than 20 years");
  return { from, to };
}

function parseGroupings(
  given: string | readonly string[] | undefined,
  apps: readonly LabelledApp[],
): Grouping[] {
  const names = list(given).flatMap((text) => text.split(",").map((name) => name.trim().toLowerCase()));
  const labels = new Map(labelsOf(apps).map((label) => [labelDimension(label), label]));
  const known = [...DIMENSIONS, ...labels.keys()];
  return [...new Set(names)].flatMap((name): Grouping[] => {
    if (name === "") return [];
    const dimension = DIMENSIONS.find((each) => each === name);
    if (dimension !== undefined) return [dimension];
    const label = labels.get(name);
    if (label !== undefined) return [appLabel(label, apps)];
    const meant = labels.has(labelDimension(name))
      ? `; did you mean ${labelDimension(name)}?`
      : suggest(name, known);
    return fail("by", `${shown(name)} is nothing to group by${meant}; known are ${known.join(", ")}`);
  });
}

function parseFilters(parameters: ReportParameters): ReportQuery["where"] {
  const where: Partial<Record<FilterName, string[]>> = {};
  const add = (parameter: string, name: FilterName, value: string) => {
    if (value.length > MAX_VALUE_LENGTH) fail(parameter, `is longer than ${MAX_VALUE_LENGTH} characters`);
    if (name === "status" && !/^[\d*]{1,4}$/.test(value)) {
      fail(parameter, `${shown(value)} is no HTTP status; write it as 429 or 5*`);
    }
    const values = where[name] ?? [];
    where[name] = values;
    if (values.length >= MAX_VALUES) fail(parameter, `has more than ${MAX_VALUES} values`);
    values.push(value);
  };
  for (const text of list(parameters.where)) {
    const at = text.indexOf("=");
    const name = (at < 0 ? text : text.slice(0, at)).trim().toLowerCase();
    const known = FILTERS.find((filter) => filter === name);
    if (known === undefined) {
      return fail(
        "where",
        `${shown(name)} is nothing to choose calls by${suggest(name, FILTERS)}; known are ${FILTERS.join(", ")}`,
      );
    }
    if (at < 0) fail("where", `${shown(text)} has no value; write it as ${known}=value`);
    add("where", known, text.slice(at + 1).trim());
  }
  for (const name of FILTERS) for (const value of list(parameters[name])) add(name, name, value);
  return where;
}

function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  if (value >= 1 && value <= MAX_LIMIT) return value;
  return fail("limit", `${shown(text)} is no number from 1 to ${MAX_LIMIT}`);
}

function flag(parameters: ReportParameters, name: string): boolean {
  const text = single(parameters, name);
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1" || text === "") return true;
  return fail(name, `${shown(text)} is neither true nor false`);
}

function single(parameters: ReportParameters, name: string): string | undefined {
  const values = list(parameters[name]);
  if (values.length > 1) fail(name, "is given more than once");
  return values[0];
}

function list(given: string | readonly string[] | undefined): readonly string[] {
  if (given === undefined) return [];
  return typeof given === "string" ? [given] : given;
}

function suggest(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** Untrusted text in a message: quoted, and not too much of it. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function fail(parameter: string, why: string): never {
  throw new BellwetherError("bad_parameter", { parameter, why });
}
