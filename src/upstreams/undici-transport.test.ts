import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../test/helpers/until.ts";
import type { BellwetherError } from "../core/errors.ts";
import type { AnswerSink, UpstreamExchange } from "./exchange.ts";
import { UndiciTransport } from "./undici-transport.ts";
import type { Timeouts, Upstream } from "./upstream.ts";

const PATIENT: Timeouts = { connect: 10_000, firstByte: 10_000, idle: 10_000, total: 20_000 };

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** An upstream that does this with each request; its address. */
async function upstreamThat(answer: (socket: Socket, request: string) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("data", (request) => answer(socket, request.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Collects an answer as text; `slow` pauses it at each piece. */
class Collected implements AnswerSink {
  text = "";
  readonly #slow: boolean;
  readonly #over: (how: BellwetherError | undefined) => void;
  readonly over: Promise<BellwetherError | undefined>;

  constructor(slow = false) {
    this.#slow = slow;
    let over: (how: BellwetherError | undefined) => void = () => undefined;
    this.over = new Promise((resolve) => {
      over = resolve;
    });
    this.#over = over;
  }

  onInformation(status: number): void {
    this.text += `[${status}]`;
  }

  onHead(status: number, statusText: string): boolean {
    this.text += `[${status} ${statusText}]`;
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    this.text += Buffer.from(chunk).toString("latin1");
    return !this.#slow;
  }

  onEnd(): void {
    this.#over(undefined);
  }

  onFail(error: BellwetherError): void {
    this.#over(error);
  }
}

interface Special {
  readonly timeouts?: Partial<Timeouts>;
  readonly proxy?: string;
  readonly headers?: string[];
  readonly transport?: UndiciTransport;
  readonly upstream?: Upstream;
}

function upstreamAt(baseUrl: string, { timeouts, proxy }: Special = {}): Upstream {
  const upstream = { name: "relay", baseUrl, rootUrl: baseUrl, timeouts: { ...PATIENT, ...timeouts }, proxy };
  return upstream as unknown as Upstream;
}

function send(baseUrl: string, sink: AnswerSink, special: Special = {}): UpstreamExchange {
  const {
    headers = [],
    transport = new UndiciTransport(),
    upstream = upstreamAt(baseUrl, special),
  } = special;
  const request = { method: "POST", path: "/v1/x", headers, body: Buffer.from("{}") };
  const exchange = transport.send(upstream, request, sink);
  cleanUps.push(() => exchange.abort());
  return exchange;
}

/** Resolves when a number has stopped to change. */
async function quietFor(read: () => number): Promise<void> {
  let before = -1;
  for (let still = 0; still < 5; still = read() === before ? still + 1 : 0) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const HEAD = "HTTP/1.1 200 OK\r\n";

describe("an answer that ends with its connection", () => {
  it("is complete when the connection was closed in order", async () => {
    const sink = new Collected();
    send(await upstreamThat((socket) => socket.end(`${HEAD}\r\nwhole`)), sink);
    expect(await sink.over).toBeUndefined();
    expect(sink.text).toBe("[200 OK]whole");
  });

  it.each([true, false])("is cut when the connection was reset (paused: %s)", async (slow) => {
    const sink = new Collected(slow);
    const url = await upstreamThat((socket) => {
      socket.write(`${HEAD}\r\npart`);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    send(url, sink);
    expect((await sink.over)?.code).toBe("upstream_reset");
    expect(sink.text).toBe("[200 OK]part");
  });

  it("is complete after a pause in which the connection was closed", async () => {
    const sink = new Collected(true);
    const exchange = send(await upstreamThat((socket) => socket.end(`${HEAD}\r\nwhole`)), sink);
    await until(() => sink.text.endsWith("whole"), true);
    const resuming = setInterval(() => exchange.resume(), 10);
    expect(await sink.over).toBeUndefined();
    clearInterval(resuming);
  });
});

// Every limit is shorter than what it is held against by far more than a busy machine delays a timer, and
// both are timers of this process: whichever is due first rings first.
const LIMIT = 150;
const LATER = 900;

describe("each limit of patience, also below a second,", () => {
  it("ends the wait for a connection", async () => {
    const server = createServer((socket) => setTimeout(() => socket.destroy(), LATER).unref());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUps.push(() => server.close());
    const sink = new Collected();
    // The TLS handshake is never answered.
    send(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, sink, {
      timeouts: { connect: LIMIT },
    });
    expect((await sink.over)?.code).toBe("upstream_connect_timeout");
  });

  it("ends the wait for the first byte", async () => {
    const sink = new Collected();
    const url = await upstreamThat((socket) => setTimeout(() => socket.end(`${HEAD}\r\nlate`), LATER));
    send(url, sink, { timeouts: { firstByte: LIMIT } });
    expect((await sink.over)?.code).toBe("upstream_first_byte_timeout");
  });

  it("ends the wait for the next byte", async () => {
    const sink = new Collected();
    const url = await upstreamThat((socket) => {
      socket.write(`${HEAD}\r\nsoon`);
      setTimeout(() => socket.end("late"), LATER);
    });
    send(url, sink, { timeouts: { idle: LIMIT } });
    expect((await sink.over)?.code).toBe("upstream_idle_timeout");
    expect(sink.text).toBe("[200 OK]soon");
  });

  it("ends an answer that never ends", async () => {
    const sink = new Collected();
    const url = await upstreamThat((socket) => {
      socket.write(`${HEAD}\r\n`);
      const ticking = setInterval(() => socket.write("."), 20);
      const ending = setTimeout(() => socket.end(), LATER);
      cleanUps.push(
        () => clearInterval(ticking),
        () => clearTimeout(ending),
      );
    });
    send(url, sink, { timeouts: { total: LIMIT, idle: LATER } });
    expect((await sink.over)?.code).toBe("upstream_total_timeout");
  });

  it("is not reached early", async () => {
    const sink = new Collected();
    const url = await upstreamThat((socket) => {
      setTimeout(() => socket.write(`${HEAD}\r\nfirst`), 600);
      setTimeout(() => socket.end("then"), 1200);
    });
    send(url, sink, { timeouts: { firstByte: 900, idle: 900 } });
    expect(await sink.over).toBeUndefined();
  });

  it("begins anew with news of progress", async () => {
    const sink = new Collected();
    const url = await upstreamThat((socket) => {
      const ticking = setInterval(() => socket.write("HTTP/1.1 102 Processing\r\n\r\n"), 50);
      setTimeout(() => {
        clearInterval(ticking);
        socket.end(`${HEAD}\r\nwhole`);
      }, LATER);
    });
    send(url, sink, { timeouts: { firstByte: 600 } });
    expect(await sink.over).toBeUndefined();
    expect(sink.text).toMatch(/^(\[102\])+\[200 OK\]whole$/);
  });

  it("does not blame the upstream for a slow client", async () => {
    const sink = new Collected(true);
    const url = await upstreamThat((socket) => {
      socket.write(`${HEAD}\r\nfirst`);
      setTimeout(() => socket.end(", then"), 50);
    });
    const exchange = send(url, sink, { timeouts: { idle: LIMIT } });
    await until(() => sink.text.endsWith("first"), true);
    setTimeout(() => exchange.resume(), LATER);
    expect(await sink.over).toBeUndefined();
    expect(sink.text).toBe("[200 OK]first, then");
  });
});

describe("a slow client", () => {
  it("keeps the next bytes from being read", async () => {
    const sink = new Collected(true);
    let sent = 0;
    const url = await upstreamThat((socket) => {
      socket.write(`${HEAD}\r\n`);
      const piece = Buffer.alloc(64 * 1024, ".");
      const more = (): void => {
        sent += piece.length;
        if (sent < 64 * 2 ** 20 && socket.write(piece)) setImmediate(more);
        else socket.once("drain", more);
      };
      more();
    });
    const exchange = send(url, sink);
    await until(() => sink.text.includes("."), true);
    await quietFor(() => sent);
    const seen = sink.text.length;
    // One read, which may be as large as the socket's buffer.
    expect(seen).toBeLessThan(256 * 1024);
    exchange.resume();
    await until(() => sink.text.length > seen, true);
  });

  it("does not hold the connection's next exchange back", async () => {
    const transport = new UndiciTransport();
    const url = await upstreamThat((socket) => {
      const answer = `${HEAD}content-length: 5\r\n\r\nwhole`;
      socket.write(answer);
      socket.on("data", () => socket.write(answer));
    });
    const upstream = upstreamAt(url);
    for (let call = 0; call < 3; call++) {
      const sink = new Collected(true);
      send(url, sink, { transport, upstream });
      expect(await sink.over).toBeUndefined();
      expect(sink.text).toBe("[200 OK]whole");
    }
  });
});

describe("the reason phrase", () => {
  it.each([
    ["OK", "OK"],
    ["", ""],
    ["\xe6\x88\x90\xe5\x8a\x9f", "\xe6\x88\x90\xe5\x8a\x9f"],
  ])("is its bytes, one character each: %j", async (sent, seen) => {
    const sink = new Collected();
    const url = await upstreamThat((socket) => socket.end(`HTTP/1.1 200 ${sent}\r\n\r\n`, "latin1"));
    send(url, sink);
    await sink.over;
    expect(sink.text).toBe(`[200 ${seen}]`);
  });
});

describe("an HTTP proxy", () => {
  const connects: string[] = [];
  /** Answers CONNECT with `status`, and tunnels if that is 200. */
  const proxyThat = async (status: number): Promise<string> => {
    connects.length = 0;
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (head) => {
        connects.push(head.toString());
        socket.write(`HTTP/1.1 ${status} Whatever\r\n\r\n`);
        const [, port] = /^CONNECT 127\.0\.0\.1:(\d+) /.exec(head.toString()) ?? [];
        if (status !== 200 || port === undefined) return;
        const onwards = connect(Number(port), "127.0.0.1");
        onwards.on("error", () => undefined);
        socket.pipe(onwards).pipe(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUps.push(() => server.close());
    return `http://user:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it("is told where to connect to, and the request passes through it unchanged", async () => {
    let seen = "";
    const sink = new Collected();
    const url = await upstreamThat((socket, request) => {
      seen = request;
      socket.end(`${HEAD}\r\nwhole`);
    });
    const headers = ["X-Dup", "1", "x-dup", "2", "X-Dup", "1"];
    send(url, sink, { proxy: await proxyThat(200), headers });
    expect(await sink.over).toBeUndefined();
    expect(connects[0]).toContain(
      `proxy-authorization: Basic ${Buffer.from("user:p@ss").toString("base64")}`,
    );
    expect(seen).toContain("X-Dup: 1\r\nx-dup: 2\r\nX-Dup: 1\r\n");
    expect(seen).not.toMatch(/proxy-/i);
  });

  it("that refuses makes the upstream unreachable, and says why", async () => {
    const sink = new Collected();
    send(await upstreamThat(() => undefined), sink, { proxy: await proxyThat(407) });
    const error = await sink.over;
    expect(error?.code).toBe("upstream_unreachable");
    expect(error?.message).toContain("the proxy answered 407");
  });
});
