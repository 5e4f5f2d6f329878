/** Explains where a call would go: what every rule has to say of it. The call is made up, and goes nowhere. */
import { endpointNames } from "./config/defaults.ts";
import { BellwetherError } from "./core/errors.ts";
import type { RouteExplanation, RouteQuestion, RoutesAnswer } from "./http/api.ts";
import { RouteFacts } from "./routing/facts.ts";
import type { Plan } from "./routing/plan.ts";
import type { RouteStep } from "./routing/verdict.ts";
import type { InForce } from "./settings.ts";
import type { Upstream } from "./upstreams/upstream.ts";
import { recognise } from "./usage/dialects/index.ts";
import type { Endpoint } from "./usage/usage.ts";

interface Shape {
  path(model: string): string;
  body(question: RouteQuestion, prompt: string): object;
}

const DATA_URL = "data:image/png;base64,";
const TOOL = { name: "look_up", description: "", parameters: { type: "object" } };

/** How a question becomes a request, by kind of call. */
const shapes: Partial<Record<Endpoint, Shape>> = {
  chat: {
    path: () => "/v1/chat/completions",
    body: ({ model, images, tools, json, streaming, reasoning, maxOutputTokens }, prompt) => ({
      model,
      messages: [
        {
          role: "user",
          content:
            images === true
              ? [
                  { type: "text", text: prompt },
                  { type: "image_url", image_url: { url: DATA_URL } },
                ]
              : prompt,
        },
      ],
      ...(tools === true && { tools: [{ type: "function", function: TOOL }] }),
      ...(json === true && { response_format: { type: "json_object" } }),
      ...(streaming === true && { stream: true }),
      ...(reasoning !== undefined && { reasoning_effort: reasoning }),
      ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    }),
  },
  responses: {
    path: () => "/v1/responses",
    body: ({ model, images, tools, json, streaming, reasoning, maxOutputTokens }, prompt) => ({
      model,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: prompt },
            ...(images === true ? [{ type: "input_image", image_url: DATA_URL }] : []),
          ],
        },
      ],
      ...(tools === true && { tools: [{ type: "function", ...TOOL }] }),
      ...(json === true && { text: { format: { type: "json_object" } } }),
      ...(streaming === true && { stream: true }),
      ...(reasoning !== undefined && { reasoning: { effort: reasoning } }),
      ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    }),
  },
  messages: {
    path: () => "/v1/messages",
    body: ({ model, images, tools, json, streaming, reasoning, maxOutputTokens = 1024 }, prompt) => ({
      model,
      max_tokens: maxOutputTokens,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: prompt },
            ...(images === true ? [{ type: "image", source: { type: "base64", data: "" } }] : []),
          ],
        },
      ],
      ...(tools === true && { tools: [{ name: TOOL.name, input_schema: TOOL.parameters }] }),
      ...(streaming === true && { stream: true }),
      ...((json === true || reasoning !== undefined) && {
        output_config: {
          ...(json === true && { format: { type: "json_schema" } }),
          ...(reasoning !== undefined && { effort: reasoning }),
        },
      }),
    }),
  },
  generate: {
    path: (model) => `/v1beta/models/${encodeURIComponent(model)}:generateContent`,
    body: ({ images, tools, json, reasoning, maxOutputTokens }, prompt) => ({
      contents: [
        {
          role: "user",
          parts: [{ text: prompt }, ...(images === true ? [{ inlineData: { mimeType: "image/png" } }] : [])],
        },
      ],
      ...(tools === true && { tools: [{ functionDeclarations: [TOOL] }] }),
      generationConfig: {
        ...(json === true && { responseMimeType: "application/json" }),
        ...(reasoning !== undefined && { thinkingConfig: { thinkingLevel: reasoning } }),
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      },
    }),
  },
  completions: {
    path: () => "/v1/completions",
    body: ({ model, streaming, maxOutputTokens }, prompt) => ({
      model,
      prompt,
      ...(streaming === true && { stream: true }),
      ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
    }),
  },
  embeddings: { path: () => "/v1/embeddings", body: ({ model }, input) => ({ model, input }) },
  images: { path: () => "/v1/images/generations", body: ({ model }, prompt) => ({ model, prompt }) },
  audio: { path: () => "/v1/audio/speech", body: ({ model }, input) => ({ model, input }) },
};

/** The kinds of call that can be asked about. */
export const explainable: readonly string[] = endpointNames.filter((name) => shapes[name] !== undefined);

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
  const {
    model,
    prompt = "",
    app = "anonymous",
    endpoint = "chat",
    headers = {},
    at = Date.now(),
  } = question;
  const shape = shapes[endpoint as Endpoint];
  if (shape === undefined) {
    const why = `must be one of ${explainable.join(", ")}`;
    throw new BellwetherError("bad_parameter", { parameter: "endpoint", why });
  }
  const configured = loaded.config.apps.find(({ name }) => name === app);
  if (app !== "anonymous" && configured === undefined) {
    throw new BellwetherError("bad_parameter", { parameter: "app", why: `there is no app ${app}` });
  }
  const operation = recognise("POST", shape.path(model));
  if (operation === undefined) throw new BellwetherError("internal");
  const json = shape.body(question, prompt);
  const parsed = { json, form: undefined };
  const call = {
    operation,
    family: operation.dialect.family,
    asked: model,
    facts: { ...operation.dialect.facts(operation, parsed), streaming: question.streaming === true },
    parsed,
    body: Buffer.from(JSON.stringify(json)),
    headers: Object.entries(headers).flat(),
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
    routes: (settings.router?.rules ?? []).map(({ name, priority, models: asked, conditions, target }) => ({
      ...{ name, priority, use: target.text },
      when: [
        ...(asked === undefined ? [] : [`model: ${asked.wants}`]),
        ...conditions.map(({ key, wants }) => `${key}: ${wants}`),
      ],
    })),
    virtualModels: Object.keys(models).filter((name) => models[name]?.route === true),
  };
}
