/** The work of `bellwether route`: from the configuration, or from a Bellwether that runs. */
import { text } from "node:stream/consumers";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { systemClock } from "../core/clock.ts";
import type { RouteExplanation, RouteQuestion, RoutesAnswer, RouteVerdict } from "../http/api.ts";
import { BoundedLabels } from "../metrics/bounded-labels.ts";
import { catalogue } from "../metrics/catalogue.ts";
import { Registry } from "../metrics/registry.ts";
import { explainRoute, routesAnswer } from "../route-explain.ts";
import { calmLife, withRoutes } from "../routes.ts";
import { buildSettings, type InForce } from "../settings.ts";
import { styler } from "./style.ts";

export interface ListOptions {
  readonly config?: string;
  readonly url?: string;
  readonly json?: true;
}

export interface ExplainOptions extends ListOptions {
  readonly model: string;
  readonly prompt?: string;
  readonly app?: string;
  readonly endpoint?: string;
  readonly header?: readonly string[];
  readonly tokens?: string;
  readonly maxTokens?: string;
  readonly tools?: true;
  readonly images?: true;
  readonly wantsJson?: true;
  readonly stream?: true;
  readonly reasoning?: string;
  readonly user?: string;
  readonly at?: string;
}

const ANSWER_MS = 10_000;

/** The exit status: 1 when the call would be refused. */
export async function explainCall(options: ExplainOptions): Promise<number> {
  const question = await questionOf(options);
  const explanation =
    options.url === undefined
      ? explainRoute(await inForce(options.config), question)
      : await ask<RouteExplanation>(options.url, "/api/route/explain", question);
  process.stdout.write(
    options.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation),
  );
  return explanation.place === null ? 1 : 0;
}

export async function listRoutes(options: ListOptions): Promise<void> {
  const answer =
    options.url === undefined
      ? routesAnswer(await inForce(options.config))
      : await ask<RoutesAnswer>(options.url, "/api/routes");
  process.stdout.write(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : listText(answer));
}

async function questionOf(options: ExplainOptions): Promise<RouteQuestion> {
  const { model, app, endpoint, reasoning, tools, images, wantsJson, stream, user, at } = options;
  const prompt = options.prompt === "-" ? await text(process.stdin) : options.prompt;
  const atMs = at === undefined ? undefined : Date.parse(at);
  if (Number.isNaN(atMs)) throw new Error("--at is not a time; write it as 2026-11-21T23:30:00+08:00.");
  const inputTokens = count("--tokens", options.tokens);
  const maxOutputTokens = count("--max-tokens", options.maxTokens);
  return {
    model,
    ...(prompt !== undefined && { prompt }),
    ...(app !== undefined && { app }),
    ...(endpoint !== undefined && { endpoint }),
    ...(options.header !== undefined && { headers: headersOf(options.header) }),
    ...(inputTokens !== undefined && { inputTokens }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(tools && { tools }),
    ...(images && { images }),
    ...(wantsJson && { json: wantsJson }),
    ...(stream && { streaming: stream }),
    ...(reasoning !== undefined && { reasoning }),
    ...(user !== undefined && { user }),
    ...(atMs !== undefined && { at: atMs }),
  };
}

function count(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${option} must be a whole number.`);
  return Number(value);
}

function headersOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((each) => {
      const [, name, value] = /^([^=:\s]+) ?[=:] ?(.*)$/.exec(each) ?? [];
      if (name === undefined || value === undefined) {
        throw new Error(`--header ${each} has no value; write it as --header x-tier=gold.`);
      }
      return [name, value];
    }),
  );
}

async function inForce(file: string | undefined): Promise<InForce> {
  const env = environment();
  const loaded = await loadConfig({ file, cwd: process.cwd(), env });
  const overflow = new Registry().counter(catalogue.labelOverflow).with(["model"]);
  const labels = new BoundedLabels(loaded.config.metrics.maxModels, overflow);
  return withRoutes(
    buildSettings(loaded, { env, labels, fallback: [], warn: () => {} }),
    calmLife(systemClock),
  );
}

async function ask<Answer>(url: string, path: string, question?: object): Promise<Answer> {
  const token = environment().BELLWETHER_ADMIN_TOKEN ?? "";
  const response = await fetch(`${url.replace(/\/+$/, "")}${path}`, {
    ...(question !== undefined && { method: "POST", body: JSON.stringify(question) }),
    headers: {
      ...(question !== undefined && { "content-type": "application/json" }),
      ...(token !== "" && { authorization: `Bearer ${token}` }),
    },
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch(() => {
    throw new Error(`${url} does not answer; is Bellwether running there?`);
  });
  const body = (await response.json().catch(() => undefined)) as
    | (Answer & { error?: { message?: string } })
    | undefined;
  if (response.ok && body !== undefined) return body;
  if (response.status === 401 || response.status === 403) {
    throw new Error(`${url} wants its admin token: put it into BELLWETHER_ADMIN_TOKEN.`);
  }
  throw new Error(body?.error?.message ?? `${url} answered ${response.status} on ${path}.`);
}

function explanationText({ route, reason, place, fallbacks, problem, steps }: RouteExplanation): string {
  const paint = styler(process.stdout);
  const lines: string[] = [];
  if (place !== null) {
    lines.push(`${paint("bold", `${place.model} at ${place.upstream}`)}   route ${route}, ${reason}`);
    if (fallbacks.length > 0) {
      lines.push(`  then ${fallbacks.map(({ model, upstream }) => `${model} at ${upstream}`).join(", ")}`);
    }
  } else {
    lines.push(paint("red", "refused"), `  ${problem?.message ?? ""}`);
  }
  for (const { model, verdicts } of steps) {
    lines.push("", `Rules for model ${model || "(none)"}:`);
    if (verdicts.length === 0) lines.push("  none");
    for (const verdict of verdicts) lines.push(...verdictLines(verdict, paint));
  }
  return `${lines.join("\n")}\n`;
}

function verdictLines(
  { rule, priority, outcome, conditions, use, options }: RouteVerdict,
  paint: ReturnType<typeof styler>,
): string[] {
  const decides = outcome === "decides";
  const title = `  ${decides ? paint("green", "✓") : paint("dim", "·")} ${rule}${priority === 0 ? "" : ` (priority ${priority})`}`;
  return [
    `${title}  ${outcome}${decides ? `: ${use}` : ""}`,
    ...conditions.map(({ key, wants, found, holds }) => {
      const line = `      ${holds ? "yes" : "no "}  ${key}: ${wants}${holds && found === wants ? "" : `  (${found})`}`;
      return holds ? line : paint("dim", line);
    }),
    ...options.map(({ model, upstream, notes }) => `      ${model} at ${upstream}: ${notes.join(", ")}`),
  ];
}

function listText({ routes, virtualModels }: RoutesAnswer): string {
  if (routes.length === 0) return "There are no routes: each model goes to its own upstreams.\n";
  const lines = routes.map(
    ({ name, priority, when, use, active }) =>
      `${name}${priority === 0 ? "" : ` (priority ${priority})`}${active === true ? "  active now" : ""}\n    when ${when.join("; ") || "always"}\n    use  ${use}`,
  );
  const virtual = virtualModels.length === 0 ? "" : `Only routed: ${virtualModels.join(", ")}\n`;
  return `${lines.join("\n")}\n${virtual}`;
}
