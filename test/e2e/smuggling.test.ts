/**
 * Request smuggling: whatever two servers could read differently is refused, and the connection with it. What
 * is accepted reaches the upstream in one plain form, so that nothing ambiguous is ever passed on.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { header, RawClient } from "../helpers/raw-client.ts";

/** What an attacker wants the upstream to see: it must never arrive there. */
const INNER = "GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
const POST = "POST /v1/echo HTTP/1.1\r\nHost: x\r\n";
/** A chunked body that ends at once, and the attacker's request after it. */
const ENDED = `0\r\n\r\n${INNER}`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const ABC = "Content-Length: 3\r\n\r\nabc";

const refused: Readonly<Record<string, string>> = {
  "a length and chunks": `${POST}Content-Length: ${ENDED.length}\r\n${CHUNKED}\r\n${ENDED}`,
  "chunks and a length": `${POST}${CHUNKED}Content-Length: 4\r\n\r\n${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
  "two lengths": `${POST}Content-Length: 0\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  "the same length twice": `${POST}Content-Length: 3\r\n${ABC}`,
  "a list of lengths": `${POST}Content-Length: 3, 3\r\n\r\nabc`,
  "a length with a sign": `${POST}Content-Length: +3\r\n\r\nabc`,
  "a negative length": `${POST}Content-Length: -3\r\n\r\nabc`,
  "a hexadecimal length": `${POST}Content-Length: 0x3\r\n\r\nabc`,
  "an empty length": `${POST}Content-Length:\r\n\r\n${INNER}`,
  "a length of two words": `${POST}Content-Length: 3 3\r\n\r\nabc`,
  "a length past 64 bits": `${POST}Content-Length: 18446744073709551619\r\n\r\nabc`,
  "chunked twice": `${POST}${CHUNKED}${CHUNKED}\r\n${ENDED}`,
  "identity, then chunked": `${POST}Transfer-Encoding: identity\r\n${CHUNKED}\r\n${ENDED}`,
  "chunked, then identity": `${POST}Transfer-Encoding: chunked, identity\r\n\r\n${ENDED}`,
  "a list of chunked": `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n${ENDED}`,
  "gzip, then chunked": `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n${ENDED}`,
  "a coding like chunked": `${POST}Transfer-Encoding: xchunked\r\n\r\n${ENDED}`,
  "chunked with a parameter": `${POST}Transfer-Encoding: chunked;q=1\r\n\r\n${ENDED}`,
  "chunked in quotes": `${POST}Transfer-Encoding: "chunked"\r\n\r\n${ENDED}`,
  "chunked after a vertical tab": `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n${ENDED}`,
  "chunked before a NUL": `${POST}Transfer-Encoding: chunked\0\r\n\r\n${ENDED}`,
  "identity alone": `${POST}Transfer-Encoding: identity\r\n\r\n${ENDED}`,
  "a space before the coding's colon": `${POST}Transfer-Encoding : chunked\r\n\r\n${ENDED}`,
  "a coding in a folded line": `${POST}X: y\r\n Transfer-Encoding: chunked\r\n\r\n${ENDED}`,
  "a coding folded after its name": `${POST}Transfer-Encoding:\r\n\tchunked\r\n${ABC}`,
  "a coding after a bare LF": `${POST}X: y\nTransfer-Encoding: chunked\r\n\r\n${ENDED}`,
  "a coding after a bare CR": `${POST}X: y\rTransfer-Encoding: chunked\r\nContent-Length: ${ENDED.length}\r\n\r\n${ENDED}`,
  "chunks in HTTP/1.0": `POST /v1/echo HTTP/1.0\r\nHost: x\r\n${CHUNKED}\r\n${ENDED}`,
  "a folded header": `${POST}X-A: b\r\n c\r\n${ABC}`,
  "a folded first line": `POST /v1/echo HTTP/1.1\r\n Host: x\r\n${ABC}`,
  "bare LF all over": `POST /v1/echo HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc`,
  "two hosts": `POST /v1/echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n${ABC}`,
  "two hosts in another case": `POST /v1/echo HTTP/1.1\r\nhost: x\r\nHOST: x\r\n${ABC}`,
  "no host": `POST /v1/echo HTTP/1.1\r\n${ABC}`,
  "a space before a colon": `${POST}X-A : b\r\n${ABC}`,
  "a header without a colon": `${POST}X-A\r\n${ABC}`,
  "a header without a name": `${POST}: b\r\n${ABC}`,
  "NUL in a header's value": `${POST}X-A: b\0c\r\n${ABC}`,
  "NUL in a header's name": `${POST}X\0A: b\r\n${ABC}`,
  "a control character in a value": `${POST}X-A: b\x01c\r\n${ABC}`,
  "DEL in a value": `${POST}X-A: b\x7fc\r\n${ABC}`,
  "a bare CR in a value": `${POST}X-A: b\rX-B: c\r\n${ABC}`,
  "a chunk size past 64 bits": `${POST}${CHUNKED}\r\n10000000000000003\r\nabc\r\n${ENDED}`,
  "a chunk size with 0x": `${POST}${CHUNKED}\r\n0x3\r\nabc\r\n${ENDED}`,
  "a negative chunk size": `${POST}${CHUNKED}\r\n-3\r\nabc\r\n${ENDED}`,
  "a chunk size after a space": `${POST}${CHUNKED}\r\n 3\r\nabc\r\n${ENDED}`,
  "a chunk size before a space": `${POST}${CHUNKED}\r\n3 \r\nabc\r\n${ENDED}`,
  "a chunk size that ends in LF": `${POST}${CHUNKED}\r\n3\nabc\r\n${ENDED}`,
  "a chunk longer than its size": `${POST}${CHUNKED}\r\n3\r\nabcd\r\n${ENDED}`,
  "a chunk that ends in CR": `${POST}${CHUNKED}\r\n3\r\nabc\r0\r\n\r\n${INNER}`,
  "LF in a chunk extension": `${POST}${CHUNKED}\r\n3;a\nb\r\nabc\r\n${ENDED}`,
  "20 kB of chunk extension": `${POST}${CHUNKED}\r\n3;a=${"b".repeat(20_000)}\r\nabc\r\n${ENDED}`,
  "a length in a trailer": `${POST}${CHUNKED}\r\n3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n${INNER}`,
  "a space in the target": `GET /v1/echo /v1/x HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a tab in the target": `GET /v1/echo\tx HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a control character in the target": `GET /v1/echo\x01 HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a byte beyond ASCII in the target": `GET /v1/echo\xe9 HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a method that is none": `GPOST /v1/echo HTTP/1.1\r\nHost: x\r\n${ABC}`,
  "HTTP/2.0": `POST /v1/echo HTTP/2.0\r\nHost: x\r\n${ABC}`,
  "HTTP/1.2": `POST /v1/echo HTTP/1.2\r\nHost: x\r\n${ABC}`,
  "HTTP/0.9": "GET /v1/echo\r\n\r\n",
  "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "random bytes": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
};

/** Accepted, with the body that the upstream must see. */
const harmless: Readonly<Record<string, readonly [request: string, body: string]>> = {
  "a length with leading zeros": [`${POST}Content-Length: 0003\r\n\r\nabc`, "abc"],
  "a header that only looks like a length": [`${POST}Content_Length: 50\r\n${ABC}`, "abc"],
  "an odd spelling of chunked": [`${POST}tRANSFER-eNCODING:\tcHuNkEd \r\n\r\n3\r\nabc\r\n0\r\n\r\n`, "abc"],
  "a chunk extension": [`${POST}${CHUNKED}\r\n3;a=b\r\nabc\r\n0\r\n\r\n`, "abc"],
  "a chunk size with leading zeros": [`${POST}${CHUNKED}\r\n0003\r\nabc\r\n0\r\n\r\n`, "abc"],
  "a trailer": [`${POST}${CHUNKED}\r\n3\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n`, "abc"],
  "an upgrade to HTTP/2": [
    `${POST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n${ABC}`,
    "abc",
  ],
  "Connection naming what must stay": [
    `${POST}Connection: close, Content-Length, Transfer-Encoding, Host, Authorization\r\n${ABC}`,
    "abc",
  ],
  "a GET with a whole request as its body": [
    `GET /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
    INNER,
  ],
  "HTTP/1.0 without a host": [`POST /v1/echo HTTP/1.0\r\n${ABC}`, "abc"],
};

const climbing = [
  "/v1/../admin",
  "/v1/..",
  "/v1/x/../../admin",
  "/v1/%2e%2e/admin",
  "/v1/.%2E/admin",
  "/v1/..%2fadmin",
  "/v1/x%2f..%2f..%2fadmin",
  "/v1/..\\admin",
  "/v1/%2e%2e%5cadmin",
  "/v1/..;/admin",
  "/v1/x/%2e%2e;a=b/admin",
  "/v1/..%00/admin",
  "/v1beta/../admin",
  "/v1/..?x=1",
];
const elsewhere = ["http://evil.test/v1/echo", "//evil.test/v1/echo", "/v1x/echo", "/admin", "*"];

const FORBIDDEN = /^(transfer-encoding|te|trailer|upgrade|http2-settings|expect|keep-alive|proxy-.*)$/i;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({}, { record: true });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sandbox.reset());

const refusals = async (): Promise<number> =>
  total(await gateway.samples(), "bellwether_errors_total", { type: "rejected" });

describe("an ambiguous request", () => {
  it.each(Object.entries(refused))("is refused with its connection: %s", async (_, bytes) => {
    const before = await refusals();
    // The last request would be served, were the connection still trusted.
    const client = await RawClient.open(gateway.url, bytes + INNER);
    const answer = await client.answer("");
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: "malformed_request" } });
    expect(header(answer.headers, "connection")).toBe("close");
    client.finish();
    expect((await client.end()).toString()).toBe("");
    expect(gateway.sandbox.requests).toEqual([]);
    expect(await refusals()).toBe(before + 1);
  });

  it("is refused with the requests that follow it in other packets, too", async () => {
    const client = await RawClient.open(gateway.url, `${POST}${CHUNKED}\r\nnot a size\r\n`);
    expect((await client.answer()).status).toBe(400);
    for (let more = 0; more < 5; more++) await client.send(INNER);
    client.finish();
    expect((await client.end()).toString()).toBe("");
    expect(gateway.sandbox.requests).toEqual([]);
  });
});

describe("an odd request that has one meaning", () => {
  it.each(Object.entries(harmless))(
    "reaches the upstream in one plain form: %s",
    async (_, [bytes, body]) => {
      const client = await RawClient.open(gateway.url, bytes);
      expect((await client.answer("")).status).toBe(200);
      client.close();
      const [only, ...more] = gateway.sandbox.requests;
      expect(more).toEqual([]);
      expect(only?.body.toString()).toBe(body);
      const names = (only?.rawHeaders ?? []).filter((_, index) => index % 2 === 0);
      expect(names.filter((name) => FORBIDDEN.test(name))).toEqual([]);
      for (const once of ["content-length", "host", "authorization"]) {
        expect(names.filter((name) => name.toLowerCase() === once)).toHaveLength(1);
      }
    },
  );
});

describe("a path that is not the gateway's to give", () => {
  it.each([...climbing, ...elsewhere])("never reaches the upstream: %s", async (target) => {
    const client = await RawClient.open(gateway.url, `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect((await client.answer("GET")).status).toBe(404);
    client.close();
    expect(gateway.sandbox.requests).toEqual([]);
  });

  it.each(["/v1/echo..", "/v1/..echo", "/v1/a...b", "/v1/%2e.x"])(
    "is not any with two dots in it: %s",
    async (target) => {
      const client = await RawClient.open(gateway.url, `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await client.answer("GET");
      client.close();
      expect(gateway.sandbox.requests.map(({ url }) => url)).toEqual([target]);
    },
  );

  it("is not opened by CONNECT", async () => {
    const client = await RawClient.open(
      gateway.url,
      "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    );
    const answer = await client.answer("");
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: "unknown_path" } });
    client.close();
  });
});

describe("garbage behind a request", () => {
  it("never stands in the middle of that request's answer", async () => {
    const stream = JSON.stringify({
      model: "sandbox-hang-stream",
      messages: [{ role: "user", content: "x" }],
      stream: true,
    });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${stream.length}\r\n\r\n`;
    const client = await RawClient.open(gateway.url, head + stream);
    await client.until((text) => text.includes("data: "));
    await client.send("\x01\x02 garbage\r\n\r\n");
    const text = (await client.end()).toString();
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    await gateway.quiet();
    expect(total(await gateway.samples(), "bellwether_requests_total", { status: "499" })).toBeGreaterThan(0);
  });
});
