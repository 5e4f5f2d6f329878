/** Runs `bellwether report`. */
import { parseDuration } from "../config/units.ts";
import { reportNamed } from "../ledger/reports/index.ts";
import type { ReportParameters } from "../ledger/reports/query.ts";
import type { ReportResult } from "../ledger/reports/report.ts";
import { writeNamed, writeReport } from "./report-output.ts";
import { askReport } from "./report-source.ts";

/** As report.ts reads them. */
export interface ReportCommandOptions {
  readonly config?: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly where?: readonly string[];
  readonly tz?: string;
  readonly limit?: string;
  readonly probes?: boolean;
  readonly archived?: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly table?: string;
  readonly html?: string;
  readonly png?: string;
  readonly sla?: string;
  readonly url?: string;
}

const DEFAULT_SLA_MS = 2500;

export async function runReportCommand(name: string, options: ReportCommandOptions): Promise<void> {
  const slaMs = options.sla === undefined ? DEFAULT_SLA_MS : parseDuration(options.sla);
  if (slaMs === undefined) throw new Error(`--sla: ${options.sla} is no duration; write it as 2.5s or 800ms`);
  const parameters = parametersOf(options);
  // A server that knows no such report looks like one that knows no reports.
  reportNamed(name);
  const ask = (report: string) => askReport(report, parameters, options);
  const result = await ask(name);
  if (options.html !== undefined) {
    const { renderHtml } = await import("../ledger/render/html.ts");
    writeNamed(options.html, renderHtml(result, { slaMs }));
  }
  if (options.png !== undefined) {
    const { pictureOf } = await import("../ledger/render/picture.ts");
    const { pngOf } = await import("../ledger/render/png.ts");
    writeNamed(options.png, await pngOf(pictureOf(await summaryOf(result, ask), { slaMs })));
  }
  const onlyFiles = options.html !== undefined || options.png !== undefined;
  if (!onlyFiles || options.json === true || options.csv === true) writeReport(result, options);
}

/** The four charts are those of the summary by model, whatever report was asked for. */
function summaryOf(
  result: ReportResult,
  ask: (name: string) => Promise<ReportResult>,
): Promise<ReportResult> {
  const fits = result.report === "summary" && result.tables.some(({ name }) => name === "by_model");
  return fits ? Promise.resolve(result) : ask("summary");
}

function parametersOf(options: ReportCommandOptions): ReportParameters {
  const { from, to, by, where, tz, limit, probes, archived } = options;
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(by === undefined ? {} : { by }),
    ...(where === undefined || where.length === 0 ? {} : { where }),
    tz: tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(limit === undefined ? {} : { limit }),
    ...(probes === true ? { probes: "true" } : {}),
    ...(archived === true ? { archived: "true" } : {}),
  };
}
