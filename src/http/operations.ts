/** The operations paths on the data plane's port: health, readiness, metrics; and the way to the admin API. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { Metrics } from "../metrics/metrics.ts";
import { UnknownProfileError } from "../metrics/profiles/index.ts";

export interface Readiness {
  readonly ready: boolean;
  /** Each check by name: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

/** A page about one probe; see src/probes/page.ts. */
interface ProbeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface OperationsSource {
  readonly metrics: Metrics;
  readiness(): Readiness;
  /** What `/health` shows besides the checks. */
  about(): Readonly<Record<string, unknown>>;
  /** Runs a probe. */
  probe(query: string, scrapeTimeout: string | undefined, accept: string | undefined): Promise<ProbeAnswer>;
  /** The admin API and the page: every path that is no other. Absent where there is none. */
  readonly admin?: (request: IncomingMessage, response: ServerResponse) => void;
  /** What `/` says it is; the gateway's own words unless given. */
  readonly front?: readonly string[];
}

type Answer = (
  source: OperationsSource,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
) => void;

const GATEWAY = [
  "Bellwether relays LLM API calls and meters them.",
  "",
  "  /v1, /v1beta   the LLM APIs: give this address as base URL",
];

/** Paths of the admin API and of what stands beside it. */
const ADMIN = /^\/(api|alerts|runbooks)\//;

const PATHS: Readonly<Record<string, Answer>> = {
  "/": (source, _request, response) => {
    response.setHeader("vary", "Accept");
    const text = [
      ...(source.front ?? GATEWAY),
      ...(source.admin === undefined
        ? []
        : ["  /              in a browser: the dashboard", "  /api           the admin API"]),
      "  /metrics       for Prometheus (?profile=holysheep, ai_api, llm, genai)",
      "  /probe         probes an upstream now (?upstream=NAME&module=chat)",
      "  /health        status and version (/healthz alive, /readyz ready)",
      "",
    ];
    answer(response, 200, "text/plain; charset=utf-8", text.join("\n"));
  },
  "/healthz": (_source, _request, response) => answer(response, 200, "text/plain; charset=utf-8", "ok\n"),
  "/readyz": (source, _request, response) => {
    const { ready, checks } = source.readiness();
    const lines = Object.entries(checks).map(
      ([name, state]) => `${state === "ok" ? "[+]" : "[-]"} ${name}: ${state}`,
    );
    const text = `${lines.join("\n")}\n${ready ? "ready" : "not ready"}\n`;
    answer(response, ready ? 200 : 503, "text/plain; charset=utf-8", text);
  },
  "/health": (source, _request, response) => {
    const { ready, checks } = source.readiness();
    const body = { status: ready ? "ok" : "unavailable", ...source.about(), checks };
    answer(response, ready ? 200 : 503, "application/json", `${JSON.stringify(body)}\n`);
  },
  "/probe": (source, request, response, query) => {
    const { accept, "x-prometheus-scrape-timeout-seconds": limit } = request.headers;
    source.probe(query, typeof limit === "string" ? limit : undefined, accept).then(
      ({ status, contentType, body }) => answer(response, status, contentType, body),
      (error: unknown) => response.destroy(error as Error),
    );
  },
  "/metrics": (source, request, response, query) => {
    scrape(source.metrics, request, response, query).catch((error: unknown) => {
      if (error instanceof UnknownProfileError)
        answer(response, 400, "text/plain; charset=utf-8", `${error.message}\n`);
      else response.destroy(error as Error);
    });
  },
};

/** Whether a request is for the page in the browser: its files, and `/` when a browser asks; others get text there. */
export function isPage({ url = "", headers: { accept = "" } }: IncomingMessage): boolean {
  return url.startsWith("/assets/") || (/^\/(\?|$)/.test(url) && accept.includes("text/html"));
}

/** Answers an operations path; false when `request` is for something else. */
export function serveOperation(
  source: OperationsSource,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const url = request.url ?? "";
  // Nearly everything is /v1…: decided by one character.
  if (url.charCodeAt(1) === 118) return false;
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  if (source.admin !== undefined && (isPage(request) || ADMIN.test(path))) {
    source.admin(request, response);
    return true;
  }
  const serve = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined;
  if (serve === undefined) return false;
  if (request.method === "GET" || request.method === "HEAD") {
    serve(source, request, response, mark === -1 ? "" : url.slice(mark + 1));
  } else {
    response.setHeader("allow", "GET, HEAD");
    answer(response, 405, "text/plain; charset=utf-8", `${path} is read with GET.\n`);
  }
  return true;
}

async function scrape(metrics: Metrics, request: IncomingMessage, response: ServerResponse, query: string) {
  const profiles = new URLSearchParams(query).getAll("profile");
  const page = await metrics.page(profiles, request.headers.accept);
  response.setHeader("content-type", page.contentType);
  response.setHeader("vary", "accept, accept-encoding");
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const body = Readable.from(page.body, { objectMode: false, highWaterMark: 256 * 1024 });
  const done = (error: Error | null | undefined): void => {
    if (error) response.destroy();
  };
  if (acceptsGzip(request.headers["accept-encoding"])) {
    response.setHeader("content-encoding", "gzip");
    pipeline(body, createGzip({ level: 1 }), response, done);
  } else {
    pipeline(body, response, done);
  }
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return /(^|,)\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+)?\s*(,|$)/i.test(String(header ?? ""));
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(response.req.method === "HEAD" ? undefined : text);
}
