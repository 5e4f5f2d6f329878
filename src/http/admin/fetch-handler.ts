/** Serves a fetch-style handler (Request in, Response out) on node:http. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";

export type FetchHandler = (request: Request, peer: Peer) => Promise<Response>;

/** What a Request does not tell of the connection. */
export interface Peer {
  /** The client's IP address. */
  readonly address: string;
}

const BODYLESS = new Set(["GET", "HEAD"]);

/** Answers with what `handler` says; a handler that throws is a 500. */
export async function serveFetch(
  handler: FetchHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  let answer: Response;
  try {
    answer = await handler(requestOf(request, gone.signal), { address: request.socket.remoteAddress ?? "" });
  } catch {
    answer = new Response("Something went wrong; the log says what.\n", { status: 500 });
  }
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) {
    // Cookies must not be joined.
    if (name !== "set-cookie") response.setHeader(name, value);
  }
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  if (answer.body === null || request.method === "HEAD") {
    response.end();
    return;
  }
  const body = Readable.fromWeb(answer.body as WebStream<Uint8Array>);
  body.on("error", () => response.destroy());
  response.once("close", () => body.destroy());
  body.pipe(response);
}

function requestOf(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  const { rawHeaders } = request;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name !== "" && !name.startsWith(":")) headers.append(name, rawHeaders[i + 1] ?? "");
  }
  const method = request.method ?? "GET";
  const url = new URL(request.url ?? "/", "http://bellwether");
  if (BODYLESS.has(method)) return new Request(url, { method, headers, signal });
  const body = Readable.toWeb(request) as unknown as ReadableStream<Uint8Array>;
  return new Request(url, { method, headers, signal, body, duplex: "half" } as RequestInit);
}
