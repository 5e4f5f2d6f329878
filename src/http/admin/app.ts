/** The admin API: what the page and the command line ask of a running Bellwether. Types are in ../api.ts. */
import { Hono } from "hono";
import { BellwetherError } from "../../core/errors.ts";
import type {
  About,
  AlertsAnswer,
  ApiError,
  AppsAnswer,
  BudgetsAnswer,
  CallDetail,
  CallsAnswer,
  ImportAnswer,
  LoginState,
  NewSilence,
  Overview,
  Problem,
  RouteExplanation,
  RouteQuestion,
  RoutesAnswer,
  Session,
  UpstreamsAnswer,
} from "../api.ts";
import { Events } from "./events.ts";
import type { FetchHandler, Peer } from "./fetch-handler.ts";
import type { Guard } from "./guard.ts";
import { textStream } from "./text-stream.ts";

/** What the API is made of; the composition root has it all. */
export interface AdminSource {
  about(): About;
  overview(): Promise<Overview>;
  /** @throws BellwetherError */
  report(name: string, parameters: Parameters): Promise<object>;
  /** @throws BellwetherError `bad_parameter`, `ledger_unavailable` */
  calls(parameters: Parameters): Promise<CallsAnswer>;
  /** @throws BellwetherError `unknown_call`, `ledger_unavailable` */
  call(id: string): Promise<CallDetail>;
  /** The calls of a range as text in pieces. @throws BellwetherError `bad_parameter`, `ledger_unavailable` */
  export(parameters: Parameters): Promise<AsyncIterable<string>>;
  /** Adds calls in lines of JSON. @throws BellwetherError `bad_payload`, `ledger_unavailable` */
  import(lines: string): Promise<ImportAnswer>;
  budgets(): Promise<BudgetsAnswer>;
  upstreams(): UpstreamsAnswer;
  apps(): AppsAnswer;
  /** The configuration in force, secrets masked. */
  settings(): Promise<object>;
  routes(): Promise<RoutesAnswer>;
  /** @throws BellwetherError `bad_parameter` */
  explainRoute(question: RouteQuestion): Promise<RouteExplanation>;
  alerts(): AlertsAnswer;
  /** @throws BellwetherError `bad_parameter` */
  silence(silence: NewSilence): object;
  /** False when there is no such silence. */
  unsilence(id: string): boolean;
  /** Takes another program's webhook for a channel. @throws BellwetherError */
  deliver(channel: string, payload: string): Promise<void>;
  /** Markdown; undefined when there is no such page. */
  runbook(name: string): string | undefined;
  /** Something that should not have happened. */
  failed(error: Error): void;
}

/** Of a URL's query. */
type Parameters = Readonly<Record<string, readonly string[]>>;

/** The API, and its end. */
export interface Admin {
  readonly handle: FetchHandler;
  /** Ends what would not end by itself: the streams of events. */
  close(): void;
}

interface Environment {
  readonly Bindings: { readonly peer: Peer };
}

/** Of a webhook of other programs, which may tell of many alerts. */
const LONGEST_PAYLOAD = 8 * 2 ** 20;
const LONGEST_JSON = 64 * 2 ** 10;

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

export function adminApp(source: AdminSource, guard: Guard): Admin {
  const app = new Hono<Environment>();
  const events = new Events({
    snapshot: () => source.overview(),
    failed: (error) => source.failed(error),
  });
  const problemOf = (request: Request, peer: Peer): BellwetherError | undefined => {
    try {
      guard.check(request, peer);
      return undefined;
    } catch (error) {
      if (error instanceof BellwetherError) return error;
      throw error;
    }
  };

  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
  });
  app.get("/api/session", (context) => {
    const problem = problemOf(context.req.raw, context.env.peer);
    const { needsToken } = guard;
    return context.json({
      needsToken,
      open: problem === undefined,
      problem: problem === undefined ? null : told(problem),
      about: problem === undefined ? source.about() : null,
    } satisfies Session);
  });
  app.get("/api/login", (context) => {
    const problem = problemOf(context.req.raw, context.env.peer);
    if (problem?.code === "admin_forbidden") throw problem;
    return context.json({ needsToken: guard.needsToken, open: problem === undefined } satisfies LoginState);
  });
  app.post("/api/login", async (context) => {
    const { token } = await jsonBody<{ token?: unknown }>(context.env.peer);
    context.header(
      "set-cookie",
      guard.login(typeof token === "string" ? token : "", context.req.raw, context.env.peer),
    );
    return context.json({ needsToken: guard.needsToken, open: true } satisfies LoginState);
  });
  app.use("*", async (context, next) => {
    guard.check(context.req.raw, context.env.peer);
    await next();
  });
  app.post("/api/logout", (context) => {
    context.header("set-cookie", guard.logout(context.req.raw));
    return context.json({});
  });
  app.get("/api/overview", async (context) => context.json(await source.overview()));
  app.get("/api/events", () => events.response());
  app.get("/api/reports/:name", async (context) =>
    context.json(await source.report(context.req.param("name"), context.req.queries())),
  );
  app.get("/api/calls", async (context) => context.json(await source.calls(context.req.queries())));
  app.get("/api/calls/:id", async (context) => context.json(await source.call(context.req.param("id"))));
  app.get("/api/export", async (context) => {
    const pieces = await source.export(context.req.queries());
    const type = context.req.query("format") === "jsonl" ? "application/x-ndjson" : "text/csv";
    return new Response(textStream(pieces, context.req.raw.signal), {
      headers: { "content-type": `${type}; charset=utf-8` },
    });
  });
  app.post("/api/import", async (context) =>
    context.json(await source.import(await context.env.peer.text(LONGEST_PAYLOAD))),
  );
  app.get("/api/budgets", async (context) => context.json(await source.budgets()));
  app.get("/api/upstreams", (context) => context.json(source.upstreams()));
  app.get("/api/apps", (context) => context.json(source.apps()));
  app.get("/api/settings", async (context) => context.json(await source.settings()));
  app.get("/api/routes", async (context) => context.json(await source.routes()));
  app.post("/api/route/explain", async (context) =>
    context.json(await source.explainRoute(await jsonBody<RouteQuestion>(context.env.peer, LONGEST_PAYLOAD))),
  );
  app.get("/api/alerts", (context) => context.json(source.alerts()));
  app.post("/api/alerts/silences", async (context) =>
    context.json(source.silence(await jsonBody<NewSilence>(context.env.peer)), 201),
  );
  app.delete("/api/alerts/silences/:id", (context) =>
    source.unsilence(context.req.param("id")) ? context.json({}) : context.notFound(),
  );
  app.post("/alerts/:channel", async (context) => {
    const payload = await context.env.peer.text(LONGEST_PAYLOAD);
    await source.deliver(context.req.param("channel"), payload);
    return context.json({ accepted: true }, 202);
  });
  app.get("/runbooks/:name", (context) => {
    const text = source.runbook(context.req.param("name"));
    return text === undefined ? context.notFound() : context.text(text);
  });
  app.notFound((context) =>
    context.json({ error: { code: "not_found", message: "There is nothing here." } } satisfies ApiError, 404),
  );
  app.onError((error, context) => {
    const known = error instanceof BellwetherError ? error : undefined;
    if (known === undefined) source.failed(error);
    const body: ApiError = {
      error:
        known === undefined
          ? { code: "internal", message: "Something went wrong; the log says what." }
          : told(known),
    };
    return context.json(body, (known?.status ?? 500) as 500);
  });
  return {
    handle: (request, peer) =>
      Promise.resolve(app.fetch(request, { peer })).catch(
        () => new Response("Something went wrong.\n", { status: 500 }),
      ),
    close: () => events.close(),
  };
}

function told({ code, message }: BellwetherError): Problem {
  return { code, message };
}

/** @throws BellwetherError `bad_payload`, `payload_too_large` */
async function jsonBody<T extends object>(peer: Peer, limit = LONGEST_JSON): Promise<T> {
  const text = await peer.text(limit);
  const body = parsed(text);
  if (typeof body !== "object" || body === null) {
    throw new BellwetherError("bad_payload", { why: "The body must be a JSON object." });
  }
  return body as T;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
