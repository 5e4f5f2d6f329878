/**
 * The sandbox: a simulated relay that speaks every API Bellwether knows. Test double, demo, and the real,
 * strict HTTP upstream of the end-to-end tests. It invents its answers; nothing leaves the machine.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { administer } from "./admin.ts";
import { Books } from "./books.ts";
import { type Script, Scripts } from "./echo.ts";
import { handle, type Settings } from "./handle.ts";
import { readKnobs } from "./knobs.ts";
import { type RecordedRequest, Recording } from "./recording.ts";

export interface SandboxOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Decides all that is invented; default 1. */
  readonly seed?: number;
  /** The accepted keys, or `any` for every key that is not empty; default `sk-sandbox`. */
  readonly keys?: readonly string[] | "any";
  /** Knobs set from the start, which `reset` returns to. */
  readonly knobs?: Readonly<Record<string, unknown>>;
  /** Keep the last requests as they arrived: true for 1,000, or how many. They hold keys; default off. */
  readonly record?: boolean | number;
  /** Receives a line when something inside the sandbox fails. */
  readonly log?: (line: string) => void;
}

export interface Sandbox {
  /** `http://127.0.0.1:PORT`, without a path: an OpenAI client's base URL is this and `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly books: Books;
  /** The recorded requests, oldest first; empty unless `record` was set. */
  readonly requests: readonly RecordedRequest[];
  /** Adds knobs for all calls, as `POST /sandbox/knobs` does. @throws KnobError */
  set(knobs: Readonly<Record<string, unknown>>): void;
  /** Keeps an answer to play; the value for a request's `x-sandbox-script` header is returned. */
  script(script: Script): string;
  /** Sets knobs, books and recordings back to the start. */
  reset(): void;
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
}

export const SANDBOX_KEY = "sk-sandbox";

const DEFAULT_SEED = 1;
const DEFAULT_RECORDED = 1000;
const MAX_HEADER_BYTES = 256 * 1024;
const KEEP_ALIVE_MS = 65_000;

/** Starts a sandbox. Rejects when it cannot listen, e.g. because the port is taken. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = "127.0.0.1", keys = [SANDBOX_KEY], record = false, log = () => {} } = options;
  const knobs = readKnobs(options.knobs ?? {});
  const settings: Settings = {
    seed: options.seed ?? DEFAULT_SEED,
    keys: keys === "any" ? "any" : new Set(keys),
    books: new Books(),
    recording: new Recording(typeof record === "number" ? record : record ? DEFAULT_RECORDED : 0),
    scripts: new Scripts(),
    knobs,
    arrivals: 0,
  };
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 },
    (request, response) => {
      const url = request.url ?? "/";
      const mark = url.indexOf("?");
      const path = mark < 0 ? url : url.slice(0, mark);
      const answering =
        path === "/sandbox" || path.startsWith("/sandbox/")
          ? administer(settings, request, response, path)
          : handle(settings, request, response, path, queryOf(url, mark));
      answering.catch((error: unknown) => {
        log(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        response.destroy();
      });
    },
  );
  server.on("connection", () => settings.books.connections++);
  server.on("clientError", (_error, socket) => {
    settings.books.malformed++;
    if (socket.writable)
      socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    books: settings.books,
    get requests() {
      return settings.recording.list();
    },
    set(more) {
      settings.knobs = { ...settings.knobs, ...readKnobs(more) };
    },
    reset() {
      settings.knobs = knobs;
      settings.arrivals = 0;
      settings.books.reset();
      settings.recording.clear();
      settings.scripts.clear();
    },
    script: (script) => settings.scripts.keep(script),
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

const NO_QUERY = new URLSearchParams();

function queryOf(url: string, mark: number): URLSearchParams {
  return mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
}
