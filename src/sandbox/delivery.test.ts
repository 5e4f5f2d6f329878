/** The knobs of delivery, seen from a bare socket: what exactly is on the wire. */
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../test/helpers/until.ts";
import { type Sandbox, startSandbox } from "./server.ts";
import { Conversation, chatRequest, split, talk } from "./socket-client.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const STREAM = { stream: true, stream_options: { include_usage: true } };

const begin = (knobs: string, body = {}) => new Conversation(sandbox.port, chatRequest(knobs, body));
const send = (knobs: string, body = {}) => begin(knobs, body).over;

/** The body of the answer, for knobs that must not change it. */
async function bodyOf(knobs: string, body = {}): Promise<string> {
  return split((await send(knobs, body)).text).body;
}

describe("the end of an answer", () => {
  it("hangs before the head and says nothing", async () => {
    const call = begin("hang=head");
    await until(() => sandbox.books.inFlight, 1);
    // Whatever it had said would have come before the answer to a later call.
    await send("");
    expect(call).toMatchObject({ text: "", ended: "open" });
    call.leave();
    await until(() => sandbox.books.inFlight, 0);
  });

  it("hangs amid a stream after so many events", async () => {
    const call = begin("hang=stream; after=3", STREAM);
    const events = () => split(call.text).body.match(/^data: /gm)?.length;
    await until(events, 3);
    await send("");
    expect([events(), call.ended]).toEqual([3, "open"]);
    call.leave();
    await expect.poll(() => sandbox.books.total().aborted).toBe(1);
    expect(sandbox.books.total().abortedTokens).toBe(2);
  });

  it("resets before the head", async () => {
    expect(await send("reset=head")).toMatchObject({ text: "", ended: "reset" });
    await expect.poll(() => sandbox.books.total().cut).toBe(1);
  });

  it("resets amid a stream, after what was written has arrived", async () => {
    const answer = await send("reset=stream; after=2", STREAM);
    expect(answer.ended).toBe("reset");
    expect(split(answer.text).body.match(/^data: /gm)).toHaveLength(2);
  });

  it("resets amid a plain body", async () => {
    const answer = await send("reset=stream");
    const { head, body } = split(answer.text);
    expect(answer.ended).toBe("reset");
    expect(body.length).toBe(Number(/content-length: (\d+)/.exec(head)?.[1]) >> 1);
  });

  it("ends half a JSON in good order", async () => {
    const answer = await send("half=json");
    const { head, body } = split(answer.text);
    expect(answer.ended).toBe("end");
    expect(head).toContain(`content-length: ${body.length}`);
    expect(() => JSON.parse(body)).toThrow();
    await expect.poll(() => sandbox.books.total().cut).toBe(1);
  });

  it("closes short of its Content-Length", async () => {
    const { head, body } = split((await send("half=sized")).text);
    expect(Number(/content-length: (\d+)/.exec(head)?.[1])).toBeGreaterThan(body.length);
  });

  it("closes without the last chunk", async () => {
    for (const body of [{}, STREAM]) {
      const answer = await send("half=chunked", body);
      expect(answer.text).toContain("transfer-encoding: chunked");
      expect(answer.text.endsWith("0\r\n\r\n")).toBe(false);
      expect(answer.ended).toBe("end");
    }
  });

  it.each([
    ["status-line", "HTTP/1.1 banana\r\n"],
    ["header", "\r\nthis line is no header\r\n"],
    ["length", "content-length: 2\r\ncontent-length: 3\r\n"],
    ["chunk", "\r\n\r\nzz\r\n"],
  ])("answers what is not HTTP: %s", async (part, bytes) => {
    const answer = await send(`malformed=${part}`);
    expect(answer.text).toContain(bytes);
    expect(answer.ended).toBe("end");
  });
});

describe("the bytes of a stream", () => {
  it("is the same however it is cut", async () => {
    const whole = await bodyOf("", STREAM);
    expect(whole).toContain("data: [DONE]\n\n");
    for (const knobs of [
      "cut=1",
      "cut=7",
      "cut=random",
      "cut=utf8",
      "cut=100; cutPause=1",
      "framing=close",
    ]) {
      expect(await bodyOf(knobs, STREAM), knobs).toBe(whole);
    }
  });

  it("cuts inside every character of several bytes", async () => {
    const { text } = await send("cut=utf8; output=200; framing=chunked");
    const sizes = [...text.matchAll(/^([0-9a-f]+)\r$/gm)].map((match) => Number.parseInt(match[1] ?? "", 16));
    expect(sizes.length).toBeGreaterThan(10);
    const { body } = split(text);
    let place = 0;
    for (const size of sizes.slice(0, -2)) {
      place += size;
      expect(body.charCodeAt(place - 1)).toBeGreaterThanOrEqual(0xc0);
      expect(body.charCodeAt(place) & 0xc0).toBe(0x80);
    }
  });

  it("writes a byte at a time", async () => {
    const { text } = await send("cut=1; framing=chunked; output=4");
    expect(split(text).body.length).toBeGreaterThan(100);
    expect(text.match(/\r\n1\r\n[\s\S]\r\n/g)?.length).toBeGreaterThan(100);
  });

  it.each([
    ["eol=crlf", /^data: [^\n]*\r\n\r\n/, /[^\r]\n/],
    ["eol=cr", /^data: [^\r]*\r\r/, /\n/],
    ["comments", /^: keep-alive\n\ndata: /, /\n\ndata: /],
    ["done=false", /"usage":\{[^\n]*\n\n$/, /\[DONE\]/],
    ["openEnd", /data: \[DONE\]\n$/, /\n\n$/],
    ["openEnd; done=false", /"usage":\{[^\n]*\}\n$/, /\[DONE\]/],
  ])("frames events as told: %s", async (knobs, has, hasNot) => {
    const body = await bodyOf(knobs, STREAM);
    expect(body).toMatch(has);
    if (knobs !== "comments") expect(body).not.toMatch(hasNot);
    else expect(body.match(/^: keep-alive$/gm)).toHaveLength(body.match(/^data: /gm)?.length ?? 0);
  });

  it("ends a stream with an error event", async () => {
    const body = await bodyOf("streamError; after=4", STREAM);
    expect(body.match(/^data: /gm)).toHaveLength(5);
    expect(body).toMatch(/data: \{"error":\{"message":"[^"]+","type":"server_error"[^\n]*\n\n$/);
  });

  it.each([
    ["none", 0],
    ["last-chunk", 1],
    ["every-chunk", 10],
  ])("reports usage where told: %s", async (usage, least) => {
    const body = await bodyOf(`usage=${usage}; output=12`, STREAM);
    const reports = body.match(/"usage":\{"prompt_tokens":5,"completion_tokens":\d+/g) ?? [];
    expect(reports.length).toBeGreaterThanOrEqual(least);
    expect(body).not.toContain('"choices":[]');
    const books = sandbox.books.total();
    if (least === 0) expect(reports).toEqual([]);
    else expect(reports.at(-1)).toContain('"completion_tokens":12');
    expect(books.reported.outputTokens).toBe(least === 0 ? undefined : 12);
    expect(books.used.outputTokens).toBe(12);
  });

  it.each([
    ["gzip", gunzipSync],
    ["br", brotliDecompressSync],
    ["deflate", inflateSync],
  ])("compresses unasked: %s", async (encoding, decode) => {
    const whole = await bodyOf("");
    const { head, body } = split((await send(`encoding=${encoding}`)).text);
    expect(head).toContain(`content-encoding: ${encoding}`);
    expect(decode(Buffer.from(body, "latin1")).toString("latin1")).toBe(whole);
    const streamed = await bodyOf(`encoding=${encoding}`, STREAM);
    expect(decode(Buffer.from(streamed, "latin1")).toString("latin1")).toBe(await bodyOf("", STREAM));
  });

  it("compresses every event so that it can be read at once", async () => {
    const call = begin("encoding=gzip; hang=stream; after=2", STREAM);
    const read = () => {
      const body = Buffer.from(split(call.text).body, "latin1");
      return gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    };
    await until(() => read().match(/^data: .*\n\n/gm)?.length, 2);
    call.leave();
  });

  it("compresses only for clients that accept it when told `asked`", async () => {
    expect((await send("encoding=asked")).text).not.toContain("content-encoding");
    const response = await fetch(`${sandbox.url}/v1/models`, {
      headers: { authorization: "Bearer sk-sandbox", "x-sandbox": "encoding=asked", "accept-encoding": "br" },
    });
    expect(response.headers.get("content-encoding")).toBe("br");
  });
});

describe("heads", () => {
  it("sends informational heads first", async () => {
    const { text } = await send("informational=102,103");
    expect(text).toMatch(
      /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: [^\r]+\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
  });

  it.each([
    ["framing=sized", /content-length: \d+/],
    ["framing=chunked", /transfer-encoding: chunked/],
    ["contentType=text/html", /content-type: text\/html/],
    ["duplicateHeaders", /set-cookie: a=1; Path=\/\r\nset-cookie: b=2; Path=\//],
    ["status=302; location=/elsewhere", /^HTTP\/1\.1 302 Found\r\n[\s\S]*location: \/elsewhere/],
    ["status=204", /^HTTP\/1\.1 204 No Content/],
    ["status=503; retryAfter=7", /^HTTP\/1\.1 503 [\s\S]*retry-after: 7/],
    ["bodyLimit=10", /^HTTP\/1\.1 413 Payload Too Large/],
    ["html", /<!DOCTYPE html>/],
    ["half=tail", /^HTTP\/1\.1 400 [\s\S]*knob half: not one of json, sized, chunked/],
    ["nonsense=1", /^HTTP\/1\.1 400 [\s\S]*no knob is called nonsense; there are latency, /],
  ])("answers as told: %s", async (knobs, expected) => {
    const answer = await send(knobs);
    expect(answer.text).toMatch(expected);
    expect(answer.ended).toBe("end");
  });

  it("ends a body with the connection", async () => {
    const { text, ended } = await send("framing=close");
    expect(text).not.toMatch(/content-length|transfer-encoding/);
    expect(JSON.parse(split(text).body)).toHaveProperty("usage");
    expect(ended).toBe("end");
  });

  it("sends trailers after a chunked body", async () => {
    const { text } = await send("trailers");
    expect(text).toMatch(/\r\n0\r\nx-sandbox-trailer: the end\r\n\r\n$/);
  });

  it("keeps the connection for the next call, unless told not to", async () => {
    const kept = chatRequest("").replace("connection: close", "connection: keep-alive");
    const both = await talk(sandbox.port, kept + chatRequest(""));
    expect(both.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    const closed = chatRequest("keepAlive=false").replace("connection: close", "connection: keep-alive");
    expect((await talk(sandbox.port, closed)).ended).toBe("end");
  });

  it("answers before it has read the body when told to", async () => {
    const [head = ""] = chatRequest("early; status=429").split("\r\n\r\n");
    const answer = await talk(sandbox.port, `${head}\r\n\r\n{`);
    expect(answer.text).toMatch(/^HTTP\/1\.1 429 Too Many Requests/);
  });

  it("does not send chunks to a client that does not know them", async () => {
    const old = chatRequest("", STREAM).replace("HTTP/1.1", "HTTP/1.0");
    const { text, ended } = await talk(sandbox.port, old);
    expect(text).not.toContain("transfer-encoding");
    expect(text).toMatch(/\r\n\r\ndata: [\s\S]*data: \[DONE\]\n\n$/);
    expect(ended).toBe("end");
  });

  it("leaves the request's body unread for a while when told to", async () => {
    const start = performance.now();
    await send("readPause=40");
    expect(performance.now() - start).toBeGreaterThanOrEqual(39);
  });

  it("refuses what is not HTTP", async () => {
    const requests = [
      "GET /v1/models HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET /v1/models HTTP/1.1\r\nhost: a\r\n folded: yes\r\n\r\n",
      "nonsense\r\n\r\n",
    ];
    for (const request of requests) {
      expect((await talk(sandbox.port, request)).text, request).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    }
    expect(sandbox.books.malformed).toBe(3);
  });
});
