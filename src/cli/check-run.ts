/** The work of `bellwether check`: does all that a start does short of listening, and prints what came of it. */
import { alertProblems, latencyBounds } from "../alerts/resolve.ts";
import { environment } from "../config/environment.ts";
import { type Loaded, loadConfig } from "../config/load.ts";
import { ConfigError, formatProblem, type Problem } from "../config/problems.ts";
import { safetyProblems } from "../config/safety.ts";
import { formatDuration } from "../config/units.ts";
import { mask } from "../config/values.ts";
import { Metrics } from "../metrics/metrics.ts";
import { PriceBook } from "../prices/book.ts";
import { loadPriceLists } from "../prices/data.ts";
import { checkRoutes } from "../routes.ts";
import { allDialects } from "../upstreams/presets.ts";
import { resolveUpstreams } from "../upstreams/resolve.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { styler } from "./style.ts";

interface Checked {
  readonly loaded: Loaded | undefined;
  readonly upstreams: readonly Upstream[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Checks the configuration and prints the outcome; the exit status. */
export async function runCheck(file: string | undefined, json: boolean): Promise<number> {
  const checked = await check(file);
  if (json) process.stdout.write(await asJson(checked));
  else await print(checked);
  return checked.problems.length > 0 ? 1 : 0;
}

/** Everything a start would refuse, all at once as far as one mistake does not hide another. */
async function check(file: string | undefined): Promise<Checked> {
  const env = environment();
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const attempt = async <T>(path: string, step: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      if (error instanceof ConfigError) problems.push(...error.problems);
      else problems.push({ path, message: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  };
  const loaded = await attempt("", () => loadConfig({ file, cwd: process.cwd(), env }));
  if (loaded === undefined) return { loaded, upstreams: [], problems, warnings };
  const { config, locate } = loaded;
  warnings.push(...loaded.warnings);
  problems.push(...safetyProblems(loaded));
  problems.push(...alertProblems(config, latencyBounds(config), locate));
  const upstreams = await attempt("upstreams", () =>
    resolveUpstreams(config, env, { locate, warn: (message) => warnings.push(message) }),
  );
  await attempt("", () => new Metrics({ buckets: config.metrics.buckets }));
  const prices = await attempt(
    "prices",
    () => new PriceBook(loadPriceLists(config.prices.files), upstreams ?? []),
  );
  if (prices !== undefined && upstreams !== undefined) {
    problems.push(...((await attempt("routes", () => checkRoutes(loaded, upstreams, prices))) ?? []));
  }
  return { loaded, upstreams: upstreams ?? [], problems, warnings };
}

async function asJson({ loaded, upstreams, problems, warnings }: Checked): Promise<string> {
  const { asWritten } = await import("../config/json-schema.ts");
  return `${JSON.stringify(
    {
      ok: problems.length === 0,
      file: loaded?.file ?? null,
      problems,
      warnings,
      ...(problems.length > 0
        ? {}
        : { config: asWritten(loaded?.config), upstreams: upstreams.map(upstreamSummary) }),
    },
    null,
    2,
  )}\n`;
}

/** What is in force goes to standard output, as YAML; what is wrong with it to standard error. */
async function print({ loaded, upstreams, problems, warnings }: Checked): Promise<void> {
  const { stdout, stderr } = process;
  const [paint, complain] = [styler(stdout), styler(stderr)];
  for (const warning of warnings) stderr.write(`${complain("yellow", "warning:")} ${warning}\n`);
  for (const problem of problems) stderr.write(`${formatProblem(problem)}\n`);
  if (problems.length > 0) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    stderr.write(`${complain("red", `${count}: the configuration cannot be used.`)}\n`);
    return;
  }
  const [{ stringify }, { asWritten }] = await Promise.all([
    import("yaml"),
    import("../config/json-schema.ts"),
  ]);
  const title = upstreams.length === 0 ? "Upstreams: none. The simulated relay would start." : "Upstreams:";
  stdout.write(
    [
      paint("bold", `# In force, from ${loaded?.file ?? "the defaults and the environment (no file)"}`),
      stringify(asWritten(loaded?.config), { lineWidth: 0 }),
      paint("bold", `# ${title}`),
      ...upstreams.map(upstreamText),
      paint("green", "# The configuration can be used."),
      "",
    ].join("\n"),
  );
}

function upstreamText(upstream: Upstream): string {
  const { baseUrl, key, dialects, timeouts } = upstreamSummary(upstream);
  const waits = Object.entries(timeouts).map(([name, value]) => `${name} ${value}`);
  return [
    `#   ${upstream.name}  ${baseUrl}`,
    `#     key       ${key}`,
    `#     dialects  ${dialects.length === allDialects.length ? "all" : dialects.join(", ")}`,
    `#     timeouts  ${waits.join(", ")}`,
  ].join("\n");
}

function upstreamSummary(upstream: Upstream) {
  const { name, provider, baseUrl, rootUrl, apiKey, dialects, timeouts } = upstream;
  return {
    name,
    provider,
    baseUrl,
    rootUrl,
    key: apiKey === undefined ? "none" : mask(apiKey),
    dialects: [...dialects],
    timeouts: {
      connect: formatDuration(timeouts.connect),
      firstByte: formatDuration(timeouts.firstByte),
      idle: formatDuration(timeouts.idle),
      total: formatDuration(timeouts.total),
    },
  };
}
