/** Explains where a call would go: what every rule has to say of it. The call is made up, and goes nowhere. */
import { BellwetherError } from "./core/errors.ts";
import type { RouteExplanation, RouteQuestion, RoutesAnswer } from "./http/api.ts";
import { requestOf } from "./route-question.ts";
import { RouteFacts } from "./routing/facts.ts";
import type { Plan } from "./routing/plan.ts";
import type { RouteStep } from "./routing/verdict.ts";
import type { InForce } from "./settings.ts";
import type { Upstream } from "./upstreams/upstream.ts";

const TYPES: Readonly<Record<keyof RouteQuestion, "string" | "boolean" | "number" | "object">> = {
  model: "string",
  prompt: "string",
  app: "string",
  endpoint: "string",
  headers: "object",
  tools: "boolean",
  images: "boolean",
  json: "boolean",
  streaming: "boolean",
  reasoning: "string",
  user: "string",
  inputTokens: "number",
  maxOutputTokens: "number",
  at: "number",
};

/** What somebody sent, as a question. @throws BellwetherError bad_parameter */
function checked(sent: RouteQuestion): RouteQuestion {
  const refuse = (parameter: string, why: string): never => {
    throw new BellwetherError("bad_parameter", { parameter, why });
  };
  if (typeof sent.model !== "string") refuse("model", "name the model that is asked for");
  for (const [key, value] of Object.entries(sent)) {
    const type = Object.hasOwn(TYPES, key) ? TYPES[key as keyof RouteQuestion] : undefined;
    if (type === undefined)
      refuse(key.slice(0, 60), `is not known; known are ${Object.keys(TYPES).join(", ")}`);
    if (typeof value !== type || value === null) refuse(key, `must be a ${type}`);
    if (type === "number" && !(Number.isSafeInteger(value) && value >= 0))
      refuse(key, "must be a whole number");
  }
  if (Object.values(sent.headers ?? {}).some((value) => typeof value !== "string")) {
    refuse("headers", "must hold texts");
  }
  return sent;
}

/** @throws BellwetherError bad_parameter */
export function explainRoute({ loaded, settings }: InForce, sent: RouteQuestion): RouteExplanation {
  const question = checked(sent);
  const { model, app = "anonymous", at = Date.now() } = question;
  const { operation, ...request } = requestOf(question);
  const configured = loaded.config.apps.find(({ name }) => name === app);
  if (app !== "anonymous" && configured === undefined) {
    throw new BellwetherError("bad_parameter", { parameter: "app", why: `there is no app ${app}` });
  }
  const call = {
    ...request,
    operation,
    family: operation.dialect.family,
    asked: model,
    ...{ app, team: configured?.team ?? "", at },
    ...(question.inputTokens !== undefined && { inputTokens: question.inputTokens }),
  };
  const steps: RouteStep[] = [];
  const { router } = settings;
  const { plan, route, reason, undecided } =
    router === undefined
      ? { plan: settings.plan(model, operation.dialect.name, call.family), ...NO_RULES }
      : router.decide(new RouteFacts(call), steps);
  return {
    route: route || "default",
    reason,
    place: plan === undefined ? null : { upstream: plan.upstream.name, model: plan.model },
    fallbacks: fallbacksOf(plan),
    problem: plan === undefined ? problem(undecided ? "no_route" : "no_upstream", model) : null,
    steps,
  };
}

const NO_RULES = { route: "", reason: "default", undecided: false };

function fallbacksOf(plan: Plan<Upstream> | undefined): RouteExplanation["fallbacks"] {
  return [
    ...(plan?.fallbacks ?? []).map(({ name }) => ({ upstream: name, model: plan?.model ?? "" })),
    ...(plan?.alternatives ?? []).map(({ upstream, model }) => ({ upstream: upstream.name, model })),
  ];
}

function problem(code: "no_route" | "no_upstream", model: string): RouteExplanation["problem"] {
  const quoted = JSON.stringify(model);
  const { message } = new BellwetherError(code, { model: quoted, what: `model ${quoted}` });
  return { code, message };
}

/** The rules in force, in the order in which they are asked. */
export function routesAnswer({ loaded, settings }: InForce): RoutesAnswer {
  const { models } = loaded.config;
  return {
    routes: (settings.router?.rules ?? []).map(({ models: asked, conditions, target, watches, ...rule }) => ({
      ...{ name: rule.name, priority: rule.priority, use: target.text },
      active: watches.length === 0 ? null : watches.every(({ on }) => on),
      when: [
        ...(asked === undefined ? [] : [`model: ${asked.wants}`]),
        ...conditions.map(({ key, wants }) => `${key}: ${wants}`),
      ],
    })),
    virtualModels: Object.keys(models).filter((name) => models[name]?.route === true),
  };
}
