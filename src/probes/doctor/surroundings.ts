/** Looks at what is around Bellwether for `bellwether doctor`: variables, the port, Prometheus. */
import { createServer } from "node:net";
import type { Environment } from "../../config/environment.ts";
import { member } from "../balances/poller.ts";
import type { AilmentName, CheckName } from "./ailments.ts";
import type { Symptom } from "./examine.ts";

const TIME_LIMIT_MS = 5_000;

function symptom(check: CheckName, ailment: AilmentName | undefined, detail: string): Symptom {
  return { check, ailment, about: "", detail };
}

const PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
const BASE_URL_VARIABLES = ["OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL"];

/** Variables that other programs heed and Bellwether does not. `proxied`: every upstream has a proxy of its own. */
export function lookAtVariables(env: Environment, proxied: boolean): Symptom[] {
  const set = (names: readonly string[]): string[] =>
    names.filter((name) => env[name] !== undefined && env[name] !== "");
  const proxies = proxied ? [] : set(PROXY_VARIABLES);
  const bases = set(BASE_URL_VARIABLES);
  return [
    ...(proxies.length === 0 ? [] : [symptom("configuration", "proxy_ignored", proxies.join(", "))]),
    ...(bases.length === 0 ? [] : [symptom("configuration", "base_url_ignored", bases.join(", "))]),
  ];
}

/** Whether `serve` could listen there, or already does. */
export async function lookAtPort(host: string, port: number): Promise<Symptom> {
  const where = `${host}:${port}`;
  if (port === 0) return symptom("port", undefined, "any free one");
  const code = await new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (code === undefined) return symptom("port", undefined, `${where} is free`);
  if (code !== "EADDRINUSE") return symptom("port", "port_refused", `${where}: ${code}`);
  const own = await isBellwether(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
  return own
    ? symptom("port", undefined, `Bellwether listens on ${where}`)
    : symptom("port", "port_taken", where);
}

async function isBellwether(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/`, { signal: AbortSignal.timeout(TIME_LIMIT_MS) });
    return (await answer.text()).startsWith("Bellwether");
  } catch {
    return false;
  }
}

/** Asks a Prometheus whether it scrapes Bellwether, by the metric that every one of its pages has. */
export async function lookAtPrometheus(url: string): Promise<Symptom[]> {
  const base = url.replace(/\/+$/, "");
  try {
    const info = await query(base, "count by (job, instance) (bellwether_build_info)");
    const targets = await read(`${base}/api/v1/targets?state=active`);
    const active = member(targets, "data", "activeTargets");
    const jobs = new Set(info.map((row) => member(row, "metric", "job")));
    const down = (Array.isArray(active) ? active : []).filter(
      (target: unknown) => member(target, "health") === "down" && isOurs(target, jobs),
    );
    const found = down.map((target: unknown) =>
      symptom(
        "prometheus",
        "prometheus_target_down",
        `${String(member(target, "scrapeUrl"))}: ${String(member(target, "lastError"))}`,
      ),
    );
    if (info.length > 0)
      found.push(symptom("prometheus", undefined, `scrapes ${info.length} of Bellwether's targets`));
    else if (found.length === 0) found.push(symptom("prometheus", "prometheus_does_not_scrape", base));
    return found;
  } catch (error) {
    return [symptom("prometheus", "prometheus_unreachable", `${base}: ${why(error)}`)];
  }
}

/** A target that is down has no metrics: its job tells, by what else is in it or by its name. */
function isOurs(target: unknown, jobs: ReadonlySet<unknown>): boolean {
  const job = member(target, "labels", "job");
  return jobs.has(job) || /bellwether/i.test(String(job));
}

async function query(base: string, text: string): Promise<unknown[]> {
  const json = await read(`${base}/api/v1/query?query=${encodeURIComponent(text)}`);
  const result = member(json, "data", "result");
  return Array.isArray(result) ? result : [];
}

async function read(url: string): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIME_LIMIT_MS) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

function why(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : message;
}
