/** An upstream that is nothing but sockets, and what a transport makes of it. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect } from "vitest";
import type { BellwetherError } from "../../src/core/errors.ts";
import type {
  AnswerSink,
  UpstreamExchange,
  UpstreamRequest,
  UpstreamTransport,
} from "../../src/upstreams/exchange.ts";
import { Http1Transport } from "../../src/upstreams/http1/transport.ts";
import type { Timeouts, Upstream } from "../../src/upstreams/upstream.ts";
import { until } from "./until.ts";

/** Limits that no test reaches. */
const PATIENT: Timeouts = { connect: 300_000, firstByte: 300_000, idle: 300_000, total: 300_000 };
export const OK = "HTTP/1.1 200 OK\r\n";

export const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** A server that is nothing but sockets. */
export class RawServer {
  /** Connections opened and closed so far, the latest, and those that are open now. */
  opened = 0;
  closed = 0;
  latest: Socket | undefined;
  readonly open = new Set<Socket>();
  /** Complete requests, as they came. */
  readonly requests: string[] = [];
  readonly #answer: (socket: Socket, count: number) => void;

  constructor(answer: (socket: Socket, count: number) => void) {
    this.#answer = answer;
  }

  readonly accept = (socket: Socket): void => {
    this.opened++;
    this.latest = socket;
    this.open.add(socket);
    socket.on("close", () => {
      this.closed++;
      this.open.delete(socket);
    });
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (part) => {
      text += part.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, head + 2))?.[1] ?? 0);
      if (text.length < head + 4 + length) return;
      this.requests.push(text.slice(0, head + 4 + length));
      text = text.slice(head + 4 + length);
      this.#answer(socket, this.requests.length);
    });
  };

  async listen(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUps.push(() => {
      server.close();
      for (const socket of this.open) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }
}

export async function serverThat(
  answer: string | ((socket: Socket, count: number) => void),
): Promise<{ server: RawServer; url: string }> {
  const act = typeof answer === "string" ? (socket: Socket) => socket.write(answer, "latin1") : answer;
  const server = new RawServer(act);
  return { server, url: `http://127.0.0.1:${await server.listen(createServer(server.accept))}` };
}

export function upstreamAt(
  baseUrl: string,
  timeouts: Partial<Timeouts> = {},
  more: Partial<Upstream> = {},
): Upstream {
  const upstream = {
    name: "relay",
    baseUrl,
    rootUrl: baseUrl,
    timeouts: { ...PATIENT, ...timeouts },
    ...more,
  };
  return upstream as unknown as Upstream;
}

/** Notes all events in order. */
export class Collected implements AnswerSink {
  events: string[] = [];
  body = "";
  headers: string[] = [];
  trailers: string[] = [];
  error: BellwetherError | undefined;
  ends = 0;
  /** What is done with each piece of the body. */
  onPiece: (piece: string) => boolean = () => true;
  onBegin: () => boolean = () => true;
  #resolve: () => void = () => undefined;
  readonly over = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });

  onInformation(status: number, headers: string[]): void {
    this.events.push(`${status} ${headers.join("=")}`);
  }

  onHead(status: number, statusText: string, headers: string[]): boolean {
    this.events.push(`${status} ${statusText}`);
    this.headers = headers;
    return this.onBegin();
  }

  onData(chunk: Uint8Array): boolean {
    const piece = Buffer.from(chunk).toString("latin1");
    this.body += piece;
    return this.onPiece(piece);
  }

  onEnd(trailers: string[]): void {
    this.ends++;
    this.trailers = trailers;
    this.events.push("end");
    this.#resolve();
  }

  onFail(error: BellwetherError): void {
    this.ends++;
    this.error = error;
    this.events.push(error.code);
    this.#resolve();
  }
}

interface Transport extends UpstreamTransport {
  retain(upstreams: Iterable<Upstream>): void;
}

export function transport(): Transport {
  const created = new Http1Transport();
  cleanUps.push(() => void created.close());
  return created;
}

export function begin(
  through: Transport,
  upstream: Upstream,
  request: Partial<UpstreamRequest> = {},
  sink = new Collected(),
): { sink: Collected; exchange: UpstreamExchange } {
  const whole = { method: "POST", path: "/v1/x", headers: [], body: Buffer.from("{}"), ...request };
  const exchange = through.send(upstream, whole, sink);
  cleanUps.push(() => exchange.abort());
  return { sink, exchange };
}

export async function call(
  through: Transport,
  upstream: Upstream,
  request: Partial<UpstreamRequest> = {},
): Promise<Collected> {
  const { sink } = begin(through, upstream, request);
  await sink.over;
  return sink;
}

export async function closing(server: RawServer): Promise<void> {
  await until(() => server.closed, 1);
  expect(server.open.size).toBe(0);
}
