/** Serves a fetch-style handler (Request in, Response out) on node:http. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import { BellwetherError } from "../../core/errors.ts";

export type FetchHandler = (request: Request, peer: Peer) => Promise<Response>;

/** What the Request, which has no body, does not tell. */
export interface Peer {
  /** The client's IP address. */
  readonly address: string;
  /**
   * The request's body; to be asked for once, by whoever knows how much of it may be worth reading.
   * @throws BellwetherError `payload_too_large` past `limit` bytes, of which no more are kept; `bad_payload` when the
   * client leaves amid it
   */
  text(limit: number): Promise<string>;
}

/** A client that sends on after its answer has this long to see it. */
const LINGER_MS = 1_000;

/** Answers with what `handler` says; a handler that throws is a 500. */
export async function serveFetch(
  handler: FetchHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const peer: Peer = {
    address: request.socket.remoteAddress ?? "",
    text: (limit) => textOf(request, limit),
  };
  let answer: Response;
  try {
    answer = await handler(requestOf(request, gone.signal), peer);
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
  if (!request.complete) {
    response.setHeader("connection", "close");
    // What is read has no body to speak of, and its answer may be a stream without an end.
    if (request.method !== "GET" && request.method !== "HEAD") return endUnread(request, response, answer);
  }
  if (answer.body === null || request.method === "HEAD") {
    response.end();
    return;
  }
  const body = Readable.fromWeb(answer.body as WebStream<Uint8Array>);
  body.on("error", () => response.destroy());
  response.once("close", () => body.destroy());
  body.pipe(response);
}

/** Nobody wanted the rest of the body: what still comes is thrown away for a while, so that the answer is seen. */
async function endUnread(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Response,
): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  response.setHeader("content-length", body.length);
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS).unref();
  request.once("end", end).once("close", end).resume();
}

function requestOf(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  const { rawHeaders } = request;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name !== "" && !name.startsWith(":")) headers.append(name, rawHeaders[i + 1] ?? "");
  }
  const url = new URL(request.url ?? "/", "http://bellwether");
  return new Request(url, { method: request.method ?? "GET", headers, signal });
}

function textOf(request: IncomingMessage, limit: number): Promise<string> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limit) return Promise.reject(new BellwetherError("payload_too_large", { limit }));
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const done = (): void => {
      request.off("data", more).off("end", end).off("close", left);
    };
    const more = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes <= limit) {
        pieces.push(piece);
        return;
      }
      done();
      request.pause();
      reject(new BellwetherError("payload_too_large", { limit }));
    };
    const end = (): void => {
      done();
      resolve(Buffer.concat(pieces).toString("utf8"));
    };
    const left = (): void => {
      done();
      reject(new BellwetherError("bad_payload", { why: "The body ended before its end." }));
    };
    request.on("data", more).once("end", end).once("close", left);
  });
}
