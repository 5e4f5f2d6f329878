/** The admin API: what the page and the command line ask of a running Bellwether. Types are in ../api.ts. */
import { Hono } from "hono";
import { BellwetherError } from "../../core/errors.ts";
import type {
  AlertsAnswer,
  ApiError,
  LoginState,
  NewSilence,
  Overview,
  RouteExplanation,
  RouteQuestion,
  RoutesAnswer,
} from "../api.ts";
import type { FetchHandler, Peer } from "./fetch-handler.ts";
import type { Guard } from "./guard.ts";

/** What the API is made of; the composition root has it all. */
export interface AdminSource {
  overview(): Promise<Overview>;
  /** @throws BellwetherError */
  report(name: string, parameters: Readonly<Record<string, readonly string[]>>): Promise<object>;
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

interface Environment {
  readonly Bindings: { readonly peer: Peer };
}

const EVENTS_MS = 1_000;
const LONGEST_PAYLOAD = 8 * 2 ** 20;

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

export function adminApp(source: AdminSource, guard: Guard): FetchHandler {
  const app = new Hono<Environment>();
  const events = new Events(source);

  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
  });
  app.get("/api/login", (context) => {
    let open = true;
    try {
      guard.check(context.req.raw, context.env.peer);
    } catch (error) {
      if (!(error instanceof BellwetherError) || error.code === "admin_forbidden") throw error;
      open = false;
    }
    return context.json({ needsToken: guard.needsToken, open } satisfies LoginState);
  });
  app.post("/api/login", async (context) => {
    const { token } = await jsonBody<{ token?: unknown }>(context.req.raw);
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
  app.get("/api/settings", async (context) => context.json(await source.settings()));
  app.get("/api/routes", async (context) => context.json(await source.routes()));
  app.post("/api/route/explain", async (context) =>
    context.json(await source.explainRoute(await jsonBody<RouteQuestion>(context.req.raw))),
  );
  app.get("/api/alerts", (context) => context.json(source.alerts()));
  app.post("/api/alerts/silences", async (context) =>
    context.json(source.silence(await jsonBody<NewSilence>(context.req.raw)), 201),
  );
  app.delete("/api/alerts/silences/:id", (context) =>
    source.unsilence(context.req.param("id")) ? context.json({}) : context.notFound(),
  );
  app.post("/alerts/:channel", async (context) => {
    const { raw } = context.req;
    if (Number(raw.headers.get("content-length") ?? 0) > LONGEST_PAYLOAD) {
      throw new BellwetherError("body_too_large", { limit: LONGEST_PAYLOAD });
    }
    await source.deliver(context.req.param("channel"), await raw.text());
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
      error: {
        code: known?.code ?? "internal",
        message: known?.message ?? "Something went wrong; the log says what.",
      },
    };
    return context.json(body, (known?.status ?? 500) as 500);
  });
  return (request, peer) =>
    Promise.resolve(app.fetch(request, { peer })).catch(
      () => new Response("Something went wrong.\n", { status: 500 }),
    );
}

/** @throws BellwetherError `bad_payload` */
async function jsonBody<T extends object>(request: Request): Promise<T> {
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) {
    throw new BellwetherError("bad_payload", { why: "The body must be a JSON object." });
  }
  return body as T;
}

/** One snapshot a second for all who watch; none is made while nobody does. */
class Events {
  readonly #source: AdminSource;
  readonly #watchers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #encoder = new TextEncoder();
  #timer: NodeJS.Timeout | undefined;

  constructor(source: AdminSource) {
    this.#source = source;
  }

  response(): Response {
    let mine: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        mine = controller;
        this.#watchers.add(controller);
        this.#timer ??= setInterval(() => void this.#tell(), EVENTS_MS);
        this.#timer.unref();
        void this.#tell();
      },
      cancel: () => {
        if (mine !== undefined) this.#leave(mine);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  async #tell(): Promise<void> {
    const text = `event: overview\ndata: ${JSON.stringify(await this.#source.overview())}\n\n`;
    const bytes = this.#encoder.encode(text);
    for (const watcher of this.#watchers) {
      // Who reads nothing is not written to.
      if ((watcher.desiredSize ?? 0) < -8) continue;
      try {
        watcher.enqueue(bytes);
      } catch {
        this.#leave(watcher);
      }
    }
  }

  #leave(watcher: ReadableStreamDefaultController<Uint8Array>): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
