/**
 * Upstreams that fail in every way there is: the client gets a clear error in the shape of its API, or
 * sees that the answer was cut; the call is counted once, as what it was; and nothing stays behind.
 */

import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Counted, counted } from "../helpers/counted.ts";
import { families, pathOf } from "../helpers/families.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { header, type RawAnswer, RawClient, request } from "../helpers/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../helpers/raw-upstream.ts";
import { until } from "../helpers/until.ts";

/** Each limit is short for one model alone, so that no other strikes on a machine that is busy. */
const impatient: Readonly<Record<string, object>> = {
  silent: { connect: "300ms" },
  late: { firstByte: "300ms" },
  quiet: { idle: "300ms" },
  endless: { total: "1s" },
};

let raw: RawUpstream;
let gateway: TestGateway;
let silentPort: number;
/** Accepts connections, and never says a word: a TLS handshake with it does not end. */
const silent = createServer((socket) => socket.on("error", () => undefined));
beforeAll(async () => {
  raw = await startRawUpstream();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silentPort = (silent.address() as AddressInfo).port;
  const urls = {
    ...{ raw: `${raw.url}/v1`, late: `${raw.url}/v1`, quiet: `${raw.url}/v1`, endless: `${raw.url}/v1` },
    silent: `https://127.0.0.1:${silentPort}/v1`,
    // Port 1 is nobody's.
    nobody: "http://127.0.0.1:1/v1",
  };
  gateway = await startGateway({
    server: { headersLimit: "64KiB" },
    upstreams: Object.fromEntries(
      Object.entries(urls).map(([name, baseUrl]) => [name, { baseUrl, timeouts: impatient[name] ?? {} }]),
    ),
    models: Object.fromEntries(Object.keys(urls).map((name) => [`${name}-model`, { upstreams: [name] }])),
  });
});
afterAll(async () => {
  await gateway.close();
  await raw.close();
  silent.close();
});

// Whatever went wrong, no connection to the upstream stays behind.
afterEach(() => until(() => raw.open, 0));

interface Ask {
  readonly family?: (typeof families)[number];
  readonly model?: string;
  readonly stream?: boolean;
  readonly knobs?: string;
}

const [openai] = families as [(typeof families)[number]];

async function ask({ family = openai, model = "gpt-4.1", stream = false, knobs }: Ask): Promise<RawAnswer> {
  const headers = ["Content-Type: application/json", ...(knobs === undefined ? [] : [`X-Sandbox: ${knobs}`])];
  const bytes = request("POST", pathOf(family, model, stream), headers, family.body(model, stream));
  const client = await RawClient.open(gateway.url, bytes);
  try {
    return await client.answer();
  } finally {
    client.close();
  }
}

const OK = "HTTP/1.1 200 OK\r\n";
const GOES_ON = ": still here\n\n";

/** Sends on, without an end. */
function goOn(socket: Socket): void {
  const timer = setInterval(() => socket.write(GOES_ON), 20);
  socket.on("close", () => clearInterval(timer));
}

describe.each(families)("an upstream that fails before its answer, told to a client of $name", (family) => {
  const model = { openai: "gpt-4.1", anthropic: "claude-sonnet-4.5", gemini: "gemini-2.5-flash" }[
    family.name
  ];
  it.each([
    [
      "does not answer in time",
      { model: "late-model" },
      504,
      "upstream_first_byte_timeout",
      "timeout_first_byte",
    ],
    ["resets the connection", { knobs: "reset=head" }, 502, "upstream_reset", "reset"],
    ["sends no status line", { knobs: "malformed=status-line" }, 502, "upstream_malformed", "malformed"],
    ["sends no header", { knobs: "malformed=header" }, 502, "upstream_malformed", "malformed"],
    ["sends two lengths", { knobs: "malformed=length" }, 502, "upstream_malformed", "malformed"],
    ["accepts no connection", { model: "silent-model" }, 504, "upstream_connect_timeout", "timeout_connect"],
    ["is not there", { model: "nobody-model" }, 502, "upstream_unreachable", "unreachable"],
  ] as const)("%s", async (_, how, status, code, type) => {
    raw.answer = () => undefined;
    for (const stream of [false, true]) {
      const sums = await counted(gateway, async () => {
        const answer = await ask({ family, model, stream, ...how });
        expect([answer.status, header(answer.headers, "content-type")]).toEqual([status, "application/json"]);
        expect(family.codeOf(JSON.parse(answer.body.toString()))).toBe(code);
        expect(header(answer.headers, "x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      });
      expect(sums).toEqual({ requests: { [status]: 1 }, errors: { [type]: 1 } });
    }
  });

  it.each([
    ["falls silent", "quiet-model", "upstream_idle_timeout"],
    ["never ends", "endless-model", "upstream_total_timeout"],
  ] as const)(
    "%s amid a stream: what came is passed on, and the last event is the error",
    async (_, limited, code) => {
      const whole = (await ask({ family, model, stream: true, knobs: "output=500" })).body.toString();
      const begin = whole.slice(0, whole.indexOf("\n\n", whole.indexOf("\n\n") + 2) + 2);
      raw.answer = (socket) => {
        // In one packet: however slow the machine, the head never comes without what follows it.
        socket.write(`${OK}Content-Type: text/event-stream\r\n\r\n${begin}`);
        if (limited === "endless-model") goOn(socket);
      };
      let answer: RawAnswer | undefined;
      let sums: Counted | undefined;
      do {
        sums = await counted(gateway, async () => {
          answer = await ask({ family, model: limited, stream: true });
        });
        // On a slow machine all the time there is may pass before the answer begins.
      } while (limited === "endless-model" && answer?.status === 504);
      expect([answer?.status, answer?.complete]).toEqual([200, true]);
      const text = answer?.body.toString() ?? "";
      const last = text.lastIndexOf("data: ");
      const event = family.name === "anthropic" ? text.lastIndexOf("event: error\n") : last;
      expect(event).toBeGreaterThan(0);
      expect(family.codeOf(JSON.parse(text.slice(last + 6)))).toBe(code);
      expect(text.slice(0, begin.length)).toBe(begin);
      expect(text.slice(0, event).replaceAll(GOES_ON, "")).toBe(begin);
      expect(sums).toEqual({ requests: { 200: 1 }, errors: { timeout_idle: 1 } });
    },
  );

  it.each([
    ["resets", "reset=stream; after=2"],
    ["closes", "half=chunked; after=2"],
  ])("%s amid a stream: it is seen to be cut", async (_, knobs) => {
    const sums = await counted(gateway, async () => {
      const answer = await ask({ family, model, stream: true, knobs });
      expect([answer.status, answer.complete]).toEqual([200, false]);
    });
    expect(sums).toEqual({ requests: { 200: 1 }, errors: { reset: 1 } });
  });
});

const LENGTH = "Content-Length: 2\r\n\r\nok";

const noHttp: Readonly<Record<string, string>> = {
  "words that are not HTTP": "banana\r\n\r\n",
  "TLS where none was asked for": "\x15\x03\x01\x00\x02\x02\x28",
  "a status of two digits": `HTTP/1.1 42 X\r\n${LENGTH}`,
  "a status of four digits": `HTTP/1.1 1000 X\r\n${LENGTH}`,
  "a status below 100": `HTTP/1.1 042 X\r\n${LENGTH}`,
  "an upgrade that nobody asked for":
    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxxx",
  "a control character in a header": `${OK}X-A: a\x01b\r\n${LENGTH}`,
  "NUL in a header": `${OK}X-A: a\0b\r\n${LENGTH}`,
  "a control character in the reason": `HTTP/1.1 200 a\x01b\r\n${LENGTH}`,
  "bare LF": "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
  "a bare CR": `${OK}X: y\rX-B: z\r\n${LENGTH}`,
  "a folded header": `${OK}X: y\r\n z\r\n${LENGTH}`,
  "a space before a colon": `${OK}X-A : b\r\n${LENGTH}`,
  "a header without a name": `${OK}: b\r\n${LENGTH}`,
  "a length and chunks": `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "two lengths": `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
  "a length that is no number": `${OK}Content-Length: two\r\n\r\nok`,
  "a coding that is not chunked": `${OK}Transfer-Encoding: gzip\r\n\r\nok`,
  "chunked twice": `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "70 kB of headers": `${OK}X: ${"y".repeat(70_000)}\r\n${LENGTH}`,
};

describe("an answer that is not HTTP", () => {
  it.each(Object.entries(noHttp))("is told as such, and not passed on: %s", async (_, bytes) => {
    raw.answer = Buffer.from(bytes, "latin1");
    const sums = await counted(gateway, async () => {
      const answer = await ask({ model: "raw-model" });
      expect(answer.status).toBe(502);
      expect(openai.codeOf(JSON.parse(answer.body.toString()))).toBe("upstream_malformed");
    });
    expect(sums).toEqual({ requests: { 502: 1 }, errors: { malformed: 1 } });
  });

  it.each([
    ["nothing at all", ""],
    ["half a head", `${OK}X-A: b`],
  ])("because the connection ended is told as that: %s", async (_, bytes) => {
    raw.answer = bytes;
    const answer = await ask({ model: "raw-model" });
    expect([answer.status, openai.codeOf(JSON.parse(answer.body.toString()))]).toEqual([
      502,
      "upstream_reset",
    ]);
  });

  it.each([
    ["a body shorter than announced", `${OK}Content-Length: 5\r\n\r\nok`, "ok", "reset"],
    ["a chunk that is none", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`, "ok", "malformed"],
    ["chunks without an end", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`, "ok", "reset"],
    [
      "a bad trailer",
      `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: \x01\r\n\r\n`,
      "ok",
      "malformed",
    ],
  ])("only after its head is passed on as far as it is, and cut: %s", async (_, bytes, body, type) => {
    raw.answer = Buffer.from(bytes, "latin1");
    const sums = await counted(gateway, async () => {
      const answer = await ask({ model: "raw-model" });
      expect([answer.status, answer.complete, answer.body.toString()]).toEqual([200, false, body]);
    });
    expect(sums).toEqual({ requests: { 200: 1 }, errors: { [type]: 1 } });
  });
});

describe("an odd answer that can be understood", () => {
  it.each([
    ["HTTP/1.0, ended by its connection", "HTTP/1.0 200 OK\r\n\r\nok", "OK"],
    ["more bytes than announced", `${OK}Content-Length: 2\r\n\r\nok and more`, "OK"],
    ["no reason phrase", `HTTP/1.1 200\r\n${LENGTH}`, "OK"],
    [
      "a reason phrase in UTF-8",
      `HTTP/1.1 200 \xe6\x88\x90\xe5\x8a\x9f\r\n${LENGTH}`,
      "\xe6\x88\x90\xe5\x8a\x9f",
    ],
    ["a reason phrase that is not UTF-8", `HTTP/1.1 200 Tr\xe8s\r\n${LENGTH}`, "Tr\xe8s"],
    ["trailers announced where there is no place for them", `${OK}Trailer: x\r\n${LENGTH}`, "OK"],
    ["3,000 headers", `${OK}${"a: b\r\n".repeat(3000)}${LENGTH}`, "OK"],
  ])("is passed on: %s", async (_, bytes, reason) => {
    raw.answer = Buffer.from(bytes, "latin1");
    const answer = await ask({ model: "raw-model" });
    expect([answer.status, answer.complete]).toEqual([200, true]);
    expect(answer.statusText).toBe(reason);
    expect(answer.body.toString()).toBe("ok");
    expect(answer.headers.filter(([name]) => name === "a")).toHaveLength(bytes.includes("a: b") ? 3000 : 0);
  });

  it.each([204, 304])("may have a length without a body: %s", async (status) => {
    raw.answer = `HTTP/1.1 ${status} No\r\nContent-Length: 2\r\nETag: x\r\n\r\n`;
    const sums = await counted(gateway, async () => {
      const answer = await ask({ model: "raw-model" });
      expect([answer.status, header(answer.headers, "etag"), answer.body.length]).toEqual([status, "x", 0]);
    });
    expect(sums.requests).toEqual({ [status]: 1 });
    expect(sums.errors).toEqual({});
  });

  it("shows its head at once, its latin1 intact, though the body takes its time", async () => {
    let finish: (() => void) | undefined;
    raw.answer = (socket) => {
      socket.write(Buffer.from(`${OK}X-A: \xe9\xff\r\nContent-Length: 2\r\n\r\n`, "latin1"));
      finish = () => socket.end("ok");
    };
    const bytes = request("POST", openai.path, [], openai.body("raw-model", false));
    const client = await RawClient.open(gateway.url, bytes);
    expect(await client.until((text) => text.includes("\r\n\r\n"))).toContain("X-A: \xe9\xff\r\n");
    finish?.();
    expect((await client.answer()).body.toString()).toBe("ok");
    client.close();
  });

  it("passes informational answers on, one by one", async () => {
    raw.answer = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}${LENGTH}`;
    const bytes = request("POST", openai.path, [], openai.body("raw-model", false));
    const client = await RawClient.open(gateway.url, bytes);
    const hints = await client.answer();
    expect([hints.status, hints.statusText, hints.headers]).toEqual([103, "Early Hints", [["Link", "</a>"]]]);
    expect((await client.answer()).status).toBe(102);
    expect((await client.answer()).body.toString()).toBe("ok");
    client.close();
  });

  it("is not followed where it redirects", async () => {
    const before = raw.requests.length;
    raw.answer = `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${raw.url}/v1/elsewhere\r\nContent-Length: 0\r\n\r\n`;
    const answer = await ask({ model: "raw-model" });
    expect([answer.status, header(answer.headers, "location")]).toEqual([307, `${raw.url}/v1/elsewhere`]);
    expect(raw.requests).toHaveLength(before + 1);
  });
});

describe("a request with 3,000 headers", () => {
  it("arrives with all of them", async () => {
    raw.answer = `${OK}${LENGTH}`;
    const headers = Array.from({ length: 3000 }, (_, at) => `h${at}: v`);
    const bytes = request("POST", openai.path, headers, openai.body("raw-model", false));
    const client = await RawClient.open(gateway.url, bytes);
    expect((await client.answer()).status).toBe(200);
    client.close();
    expect(raw.requests.at(-1)?.match(/\r\nh\d+: v/g)).toHaveLength(3000);
  });
});

describe("a successful answer with the wrong content", () => {
  it.each([
    ["half a JSON", "half=json"],
    ["a web page", "html; contentType=text/html"],
    ["a web page called JSON", "html"],
  ])("is passed on, and counted as malformed: %s", async (_, knobs) => {
    const sums = await counted(gateway, async () => {
      expect((await ask({ knobs })).status).toBe(200);
    });
    expect(sums).toEqual({ requests: { 200: 1 }, errors: { malformed: 1 } });
  });

  it("is passed on to its end when its compression is none", async () => {
    const body = `not gzip ${"x".repeat(5000)}`;
    let more: (() => void) | undefined;
    raw.answer = (socket) => {
      socket.write(
        `${OK}Content-Encoding: gzip\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`,
      );
      socket.write(body);
      more = () => socket.end(body);
    };
    const sums = await counted(gateway, async () => {
      const bytes = request("POST", openai.path, [], openai.body("raw-model", false));
      const client = await RawClient.open(gateway.url, bytes);
      // The decoder has failed by now; the answer has not.
      await client.until((text) => text.includes(body));
      more?.();
      expect((await client.answer()).body.toString()).toBe(body + body);
      client.close();
    });
    expect(sums).toEqual({ requests: { 200: 1 }, errors: { malformed: 1 } });
  });

  it("is cut when it would have to be decoded for its client and cannot be", async () => {
    const head = `${OK}Content-Encoding: gzip\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n`;
    raw.answer = (socket) => socket.write(`${head}data: {}\n\n`);
    const sums = await counted(gateway, async () => {
      const answer = await ask({ model: "raw-model", stream: true });
      expect([answer.status, answer.complete, answer.body.length]).toEqual([200, false, 0]);
      expect(header(answer.headers, "content-encoding")).toBeUndefined();
    });
    expect(sums).toEqual({ requests: { 200: 1 }, errors: { malformed: 1 } });
  });
});

describe("the error event of a stream that fell silent", () => {
  const EVENTS = `${OK}Content-Type: text/event-stream\r\n`;
  const idle = async (bytes: string): Promise<RawAnswer> => {
    raw.answer = (socket) => socket.write(Buffer.from(bytes, "latin1"));
    const answer = await ask({ model: "quiet-model", stream: true });
    return answer;
  };

  it("begins on its own line, though the upstream stopped amid an event", async () => {
    const text = (await idle(`${EVENTS}\r\ndata: {"a":1}\n\ndata: {"b`)).body.toString();
    expect(text.startsWith('data: {"a":1}\n\ndata: {"b\n\ndata: {"error":')).toBe(true);
  });

  it("is not written past the length that was announced", async () => {
    raw.answer = (socket) => socket.write(`${EVENTS}Content-Length: 20\r\n\r\ndata: {"a":1}\n\n`);
    const asked = JSON.stringify({
      model: "quiet-model",
      stream: true,
      stream_options: { include_usage: true },
    });
    const client = await RawClient.open(gateway.url, request("POST", openai.path, [], asked));
    const answer = await client.answer();
    expect([answer.complete, answer.body.toString()]).toEqual([false, 'data: {"a":1}\n\n']);
    client.close();
  });

  it("is not written into compressed bytes", async () => {
    raw.answer = (socket) =>
      socket.write(Buffer.from(`${EVENTS}Content-Encoding: gzip\r\n\r\n\x1f\x8b`, "latin1"));
    const asked = JSON.stringify({
      model: "quiet-model",
      stream: true,
      stream_options: { include_usage: true },
    });
    const client = await RawClient.open(gateway.url, request("POST", openai.path, [], asked));
    const answer = await client.answer();
    expect([answer.complete, answer.body.toString("latin1")]).toEqual([false, "\x1f\x8b"]);
    client.close();
  });
});
