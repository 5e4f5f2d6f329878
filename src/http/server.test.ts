/** The data plane's server over real sockets, with calls that are answered right here. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { header, parseAnswer, RawClient, request } from "../../test/helpers/raw-client.ts";
import { until } from "../../test/helpers/until.ts";
import type { BellwetherError } from "../core/errors.ts";
import type { ClientExchange, ClientListener } from "../gateway/ports.ts";
import { NodeClientExchange } from "./client-exchange.ts";
import { DataPlane } from "./server.ts";

const BODY_LIMIT = 1_000_000;

/** What is done with each call, and what happened to it. */
class Call implements ClientListener {
  readonly client: ClientExchange;
  body: string | undefined;
  failed: string | undefined;
  gone = false;
  whenDrained: (call: Call) => void = () => undefined;
  readonly #onBody: (call: Call) => void;

  constructor(client: ClientExchange, onBody: (call: Call) => void) {
    this.client = client;
    this.#onBody = onBody;
  }

  get fast(): boolean {
    return !(this.client instanceof NodeClientExchange);
  }

  onBody(body: Uint8Array | undefined): void {
    this.body = body === undefined ? "" : Buffer.from(body).toString("latin1");
    this.#onBody(this);
  }

  onBodyFailed(error: BellwetherError): void {
    this.failed = error.code;
    this.answer(error.status, error.code);
  }

  onDrain(): void {
    this.whenDrained(this);
  }

  onGone(): void {
    this.gone = true;
  }

  answer(status: number, text: string): void {
    this.client.head(status, "", ["content-length", String(text.length)]);
    this.client.write(Buffer.from(text, "latin1"));
    this.client.end();
  }
}

interface Served {
  readonly url: string;
  readonly calls: Call[];
  readonly server: DataPlane;
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Echoes target and body, unless told otherwise. */
async function serve(
  onBody = (call: Call): void => call.answer(200, `${call.client.target} ${call.body}`),
  onCall = (call: Call): void => call.client.readBody(BODY_LIMIT, call),
  requestTimeout = 60_000,
): Promise<Served> {
  const calls: Call[] = [];
  const server = new DataPlane(
    { host: "127.0.0.1", port: 0, headersLimit: 4_096, requestTimeout },
    {
      call: (client) => {
        const call = new Call(client, onBody);
        calls.push(call);
        onCall(call);
      },
      malformed: ({ code }) => code,
      operation: ({ url }, response) => {
        if (url !== "/healthz") return false;
        response.end("ok");
        return true;
      },
      cors: () => undefined,
    },
  );
  const { port } = await server.listen();
  cleanUps.push(() => server.close(0));
  return { url: `http://127.0.0.1:${port}`, calls, server };
}

async function open(url: string, ...parts: readonly (string | Buffer)[]): Promise<RawClient> {
  const client = await RawClient.open(url, ...parts);
  cleanUps.push(async () => client.close());
  return client;
}

const body = async (client: RawClient, method = "POST"): Promise<string> =>
  (await client.answer(method)).body.toString("latin1");

describe("one connection", () => {
  it("serves plain calls one after the other, and says that it stays", async () => {
    const { url, calls } = await serve();
    const client = await open(url);
    for (const text of ["a", "b", ""]) {
      await client.send(request("POST", "/v1/x", [], text));
      const answer = await client.answer();
      expect(answer.body.toString()).toBe(`/v1/x ${text}`);
      expect(header(answer.headers, "keep-alive")).toBe("timeout=75");
    }
    expect(calls.map(({ fast }) => fast)).toEqual([true, true, true]);
  });

  it("gives odd requests, operations and the calls behind them to node:http, in their order", async () => {
    const { url, calls } = await serve();
    const chunked = request("POST", "/v1/chunked", ["Transfer-Encoding: chunked"]);
    const client = await open(
      url,
      Buffer.concat([
        request("POST", "/v1/plain", [], "a"),
        request("GET", "/healthz"),
        Buffer.concat([chunked, Buffer.from("1\r\nb\r\n0\r\n\r\n")]),
        request("POST", "/v1/last", [], "c"),
      ]),
    );
    expect(await body(client)).toBe("/v1/plain a");
    expect(await body(client, "GET")).toBe("ok");
    expect(await body(client)).toBe("/v1/chunked b");
    expect(await body(client)).toBe("/v1/last c");
    expect(calls.map(({ fast }) => fast)).toEqual([true, false, false]);
  });

  it("means the same wherever its bytes were cut", async () => {
    const { url } = await serve();
    const bytes = Buffer.concat([
      request("POST", "/v1/a", ["X-A: b"], "first"),
      request("GET", "/v1/b"),
      request("POST", "/v1/c", [], Buffer.alloc(100, 0xff)),
      request("DELETE", "/v1/d", ["Connection: close"]),
    ]);
    const whole = await open(url, bytes);
    const expected = (await whole.end()).toString("latin1");
    expect(expected.match(/HTTP\/1\.1 200/g)).toHaveLength(4);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 4 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const client = await RawClient.connect(url);
        for (let at = 0; at + 1 < places.length; at++) {
          await client.send(bytes.subarray(places[at], places[at + 1]));
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect((await client.end()).toString("latin1")).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("ends with the answer to whoever says so", async () => {
    const { url } = await serve();
    const client = await open(url, request("GET", "/v1/x", ["Connection: close"]), request("GET", "/v1/y"));
    expect(header((await client.answer("GET")).headers, "connection")).toBe("close");
    expect((await client.end()).length).toBe(0);
  });

  it("is kept when a call is answered before its body was read, which is thrown away", async () => {
    const { url, calls } = await serve(undefined, (call) => {
      if (call.client.target === "/v1/no") call.answer(401, "no");
      else call.client.readBody(BODY_LIMIT, call);
    });
    const client = await open(url, request("POST", "/v1/no", ["Content-Length: 300000"]));
    expect(await body(client)).toBe("no");
    await client.send(Buffer.alloc(300_000, "GET /v1/smuggled HTTP/1.1\r\n\r\n"));
    await client.send(request("POST", "/v1/x", [], "next"));
    expect(await body(client)).toBe("/v1/x next");
    expect(calls.map(({ client: { target } }) => target)).toEqual(["/v1/no", "/v1/x"]);
  });

  it("trusts nothing behind a request that was refused as ambiguous", async () => {
    const { url, calls } = await serve(undefined, (call) => {
      call.client.distrust();
      call.answer(400, "ambiguous");
    });
    const client = await open(url, Buffer.concat([request("GET", "/v1/x"), request("GET", "/v1/y")]));
    const answer = await client.answer("GET");
    expect([answer.status, header(answer.headers, "connection")]).toEqual([400, "close"]);
    await client.send(request("GET", "/v1/z"));
    client.finish();
    expect((await client.end()).length).toBe(0);
    expect(calls).toHaveLength(1);
  });
});

describe("a body", () => {
  it("that is announced as too large is refused before it comes", async () => {
    const { url, calls } = await serve();
    const client = await open(url, request("POST", "/v1/x", [`Content-Length: ${BODY_LIMIT + 1}`]));
    const answer = await client.answer();
    expect([answer.status, header(answer.headers, "connection")]).toEqual([413, "close"]);
    expect(calls[0]?.failed).toBe("body_too_large");
    client.finish();
    await client.end();
  });

  it("that nobody has asked for yet is not read for: the client waits", async () => {
    const { url, calls } = await serve(
      (call) => call.answer(200, String(call.body?.length)),
      () => undefined,
    );
    const size = 900_000 * 20;
    const client = await open(url, request("POST", "/v1/x", [`Content-Length: ${size}`]));
    let taken = false;
    const sent = client.send(Buffer.alloc(size)).then(() => {
      taken = true;
    });
    await until(() => calls.length, 1);
    // So many answers to another client leave time to read all of it.
    const other = await open(url);
    for (let at = 0; at < 300; at++) {
      await other.send(request("GET", "/healthz"));
      expect(await body(other, "GET")).toBe("ok");
    }
    expect(taken).toBe(false);
    const [call] = calls;
    call?.client.readBody(size, call);
    await sent;
    expect(await body(client)).toBe(String(size));
  });

  it("that does not come in time is refused", async () => {
    const { url, calls } = await serve(undefined, undefined, 100);
    const client = await open(url, request("POST", "/v1/x", ["Content-Length: 3"]), "a");
    expect((await client.answer()).status).toBe(408);
    expect(calls[0]?.failed).toBe("request_timeout");
  });
});

describe("an answer", () => {
  it("has its head and its body in one piece, framed as announced", async () => {
    const { url } = await serve(({ client }) => {
      client.head(200, "Fine", ["X-A", "\xe9"]);
      client.write(Buffer.from("one"));
      client.write(Buffer.from("two"));
      client.end(["X-Sum", "1"]);
    });
    const client = await open(url, request("GET", "/v1/x"));
    const answer = await client.answer("GET");
    expect([answer.statusText, header(answer.headers, "x-a")]).toEqual(["Fine", "\xe9"]);
    expect([answer.body.toString(), answer.trailers]).toEqual(["onetwo", [["X-Sum", "1"]]]);
  });

  it.each([
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ])("to %s with %s has no body, whatever is written", async (method, status) => {
    const { url } = await serve(({ client }) => {
      client.head(status, "", []);
      client.write(Buffer.from("body"));
      client.end();
    });
    const client = await open(url, request(method, "/v1/x"), request(method, "/v1/x"));
    for (let at = 0; at < 2; at++) expect((await client.answer(method)).status).toBe(status);
    expect(client.bytes.length).toBe(0);
  });

  it("announces no trailers where there is no place for them", async () => {
    const { url } = await serve(({ client }) => {
      client.head(200, "", ["Trailer", "x", "content-length", "2"]);
      client.write(Buffer.from("ok"));
      client.end(["x", "y"]);
    });
    const client = await open(url, request("GET", "/v1/x"));
    const answer = await client.answer("GET");
    expect([answer.body.toString(), header(answer.headers, "trailer")]).toEqual(["ok", undefined]);
  });

  it("may be preceded by informational ones", async () => {
    const { url } = await serve((call) => {
      call.client.inform(103, ["Link", "</x>"]);
      call.answer(200, "ok");
    });
    const client = await open(url, request("GET", "/v1/x"));
    expect((await client.answer("GET")).status).toBe(103);
    expect(await body(client, "GET")).toBe("ok");
  });

  it("waits for a slow client, and goes on when it has caught up", async () => {
    const piece = Buffer.alloc(50_000, "x");
    const all = 600 * piece.length;
    let written = 0;
    const goOn = ({ client }: Call): void => {
      for (let more = true; more && written < all; written += piece.length) more = client.write(piece);
      if (written === all) client.end();
    };
    const { url, calls } = await serve((call) => {
      call.client.head(200, "", []);
      call.whenDrained = goOn;
      goOn(call);
    });
    const client = await open(url);
    client.pause();
    await client.send(request("GET", "/v1/x", ["Connection: close"]));
    await until(() => written > 0, true);
    let before = -1;
    for (let still = 0; still < 5; still = written === before ? still + 1 : 0) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(written).toBeLessThan(all);
    expect(calls[0]?.gone).toBe(false);
    client.resume();
    const answer = parseAnswer(await client.end(), "GET", true)?.answer;
    expect([answer?.complete, answer?.body.length]).toEqual([true, all]);
  });

  it("that is cut is seen as cut, with everything that was written before", async () => {
    const { url } = await serve(({ client }) => {
      client.head(200, "", []);
      client.write(Buffer.from("part"));
      client.cut();
    });
    const answer = await (await open(url, request("GET", "/v1/x"))).answer("GET");
    expect([answer.complete, answer.body.toString()]).toEqual([false, "part"]);
  });

  it.each(["reset", "finish"] as const)("whose client leaves is told (%s)", async (how) => {
    const { url, calls } = await serve(({ client }) => {
      client.head(200, "", []);
      client.write(Buffer.from("part"));
    });
    const client = await open(url, request("GET", "/v1/x"));
    await client.until((text) => text.includes("part"));
    client[how]();
    await until(() => calls[0]?.gone, true);
  });

  it("ends at once when its client sends what can be no request", async () => {
    const { url, calls } = await serve(({ client }) => {
      client.head(200, "", []);
      client.write(Buffer.from("part"));
    });
    const client = await open(url, request("GET", "/v1/x"));
    await client.until((text) => text.includes("part"));
    await client.send("\x01\x02 garbage\r\n\r\n");
    expect((await client.end()).toString().match(/HTTP\/1\.1/g)).toHaveLength(1);
    await until(() => calls[0]?.gone, true);
  });
});

describe("the end of the server", () => {
  it("waits for answers, ends idle connections, and lets no connection serve another call", async () => {
    const held: Call[] = [];
    const { url, server } = await serve((call) => void held.push(call));
    const idle = await open(url);
    const busy = await open(url, request("GET", "/v1/x"), request("GET", "/v1/y"));
    await until(() => held.length, 1);
    const closed = server.close(300_000);
    await idle.end();
    held[0]?.answer(200, "whole");
    expect(await body(busy, "GET")).toBe("whole");
    expect((await busy.end()).length).toBe(0);
    expect(await closed).toBe(true);
    expect(held).toHaveLength(1);
  });

  it("cuts what has not ended in time", async () => {
    const held: Call[] = [];
    const { url, server } = await serve((call) => void held.push(call));
    await open(url, request("GET", "/v1/x"));
    await until(() => held.length, 1);
    expect(await server.close(50)).toBe(false);
    await until(() => held[0]?.gone, true);
  });
});
