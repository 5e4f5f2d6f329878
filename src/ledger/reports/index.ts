/** The one table of reports, and the way in for everybody who asks: command line, admin API, page. */
import { nearest } from "../../config/problems.ts";
import { BellwetherError } from "../../core/errors.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import type { LabelledApp } from "./app-labels.ts";
import { withArchive } from "./archive.ts";
import { calls } from "./calls.ts";
import { compare } from "./compare.ts";
import { cost } from "./cost.ts";
import { errors } from "./errors.ts";
import { latency } from "./latency.ts";
import { parseQuery, type ReportParameters } from "./query.ts";
import type { Report, ReportQuery, ReportResult } from "./report.ts";
import { slow } from "./slow.ts";
import { summary } from "./summary.ts";
import { usage } from "./usage.ts";

export const reports: readonly Report[] = [summary, cost, usage, latency, errors, slow, calls, compare];

/** @throws BellwetherError `unknown_report`, with the nearest name. */
export function reportNamed(name: string): Report {
  const found = reports.find((report) => report.name === name);
  if (found !== undefined) return found;
  const names = reports.map((report) => report.name);
  const meant = nearest(name, names);
  throw new BellwetherError("unknown_report", {
    name: JSON.stringify(name.slice(0, 60)),
    known: `${meant === undefined ? "" : `Did you mean ${meant}? `}There are ${names.join(", ")}.`,
  });
}

/** Runs a report over a store, and over its archive where that is kept apart and asked for. */
export function runParsed(report: Report, query: ReportQuery, store: LedgerStore): Promise<ReportResult> {
  return withArchive(store, query.archived, (both) => report.run(both, query));
}

/**
 * Runs a report for parameters as they came from a command line or a URL.
 * @param now milliseconds since the epoch
 * @param apps those whose labels can be grouped by
 * @throws BellwetherError `unknown_report` or `bad_parameter`, saying what to write instead.
 */
export async function runReport(
  name: string,
  parameters: ReportParameters,
  store: LedgerStore,
  now: number = Date.now(),
  apps: readonly LabelledApp[] = [],
): Promise<ReportResult> {
  const report = reportNamed(name);
  return runParsed(report, parseQuery(report, parameters, now, apps), store);
}
