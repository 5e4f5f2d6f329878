/** `/metrics` on a port of its own, for apps that have no server to hang it on. Node.js, Bun and Deno. */
import { UnknownProfileError } from "../metrics/profiles/index.ts";

export interface ServeOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
}

export interface MetricsServer {
  /** `http://host:port/metrics` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What of node:http is used. */
interface Http {
  createServer(listener: (request: Request, response: Response) => void): Server;
}

interface Request {
  readonly method?: string;
  readonly url?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

interface Response {
  writeHead(status: number, headers: Readonly<Record<string, string>>): void;
  end(text?: string): void;
}

interface Server {
  once(event: "error", listener: (error: Error) => void): void;
  listen(port: number, host: string, then: () => void): void;
  address(): { readonly port: number } | string | null;
  close(then: () => void): void;
  closeAllConnections?(): void;
  unref(): void;
}

type MakePage = (options: { profile: readonly string[]; accept?: string }) => Promise<{
  readonly contentType: string;
  readonly text: string;
}>;

/**
 * Listens; the server does not keep the process alive. Rejects with the system's error when it cannot, and
 * with an Error where there are no servers, as in workers.
 */
export async function serveMetrics(
  port: number,
  options: ServeOptions,
  page: MakePage,
): Promise<MetricsServer> {
  const { host = "127.0.0.1" } = options;
  const server = http().createServer((request, response) => {
    answer(request, response, page).catch(() => response.end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.unref();
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}/metrics`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections?.();
      }),
  };
}

async function answer(request: Request, response: Response, page: MakePage): Promise<void> {
  const [path, query] = (request.url ?? "").split("?", 2);
  const send = (status: number, type: string, text: string): void => {
    response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : text);
  };
  if (path !== "/metrics") return send(404, "text/plain; charset=utf-8", "The metrics are at /metrics.\n");
  const { accept } = request.headers;
  const profile = new URLSearchParams(query).getAll("profile");
  try {
    const { contentType, text } = await page({ profile, ...(typeof accept === "string" && { accept }) });
    send(200, contentType, text);
  } catch (error) {
    const known = error instanceof UnknownProfileError;
    send(
      known ? 400 : 500,
      "text/plain; charset=utf-8",
      `${known ? error.message : "The page could not be made."}\n`,
    );
  }
}

/** node:http without an import that platforms without it would stumble over. */
function http(): Http {
  const get = globalThis.process?.getBuiltinModule as ((name: string) => unknown) | undefined;
  const found = get?.("node:http");
  if (found !== undefined) return found as Http;
  throw new Error(
    "meter.serve needs Node.js, Bun or Deno. Elsewhere answer with the text of meter.metrics().",
  );
}
