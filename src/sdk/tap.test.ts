/** What the app gets of an answer, and when a call ends, however the app treats the body. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { until } from "../../test/helpers/until.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../sandbox/server.ts";
import { createMeter, type MeterOptions, type Usage } from "./index.ts";

let relay: Sandbox;
const records: Usage[] = [];
beforeAll(async () => {
  relay = await startSandbox();
});
afterAll(() => relay.close());
afterEach(() => {
  relay.reset();
  records.length = 0;
});

const metered = (options: MeterOptions = {}) =>
  createMeter({ upstream: "relay", priceFiles: [], onUsage: (usage) => records.push(usage), ...options });

const headers = { authorization: `Bearer ${SANDBOX_KEY}`, "content-type": "application/json" };
const chat = (more: object = {}, knobs = "") => ({
  method: "POST",
  headers: { ...headers, "x-sandbox": knobs },
  body: JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "hello" }], ...more }),
});
const url = () => `${relay.url}/v1/chat/completions`;
const ended = () => expect.poll(() => records).toHaveLength(1);

describe("an answer", () => {
  it("is the platform's Response, with the address it came from and every header", async () => {
    const { fetch } = metered();
    const [plain, metred] = [await globalThis.fetch(url(), chat()), await fetch(url(), chat())];
    expect(metred).toBeInstanceOf(Response);
    expect(metred.url).toBe(plain.url);
    expect(metred).toMatchObject({
      status: 200,
      statusText: "OK",
      ok: true,
      redirected: false,
      bodyUsed: false,
    });
    expect([...metred.headers.keys()]).toEqual([...plain.headers.keys()]);
    expect(Object.keys((await metred.json()) as object)).toEqual(Object.keys((await plain.json()) as object));
    expect(metred.bodyUsed).toBe(true);
  });

  it("can be cloned, both copies read, and the call is recorded once", async () => {
    const response = await metered().fetch(url(), chat());
    const copy = response.clone();
    expect(await copy.text()).toBe(await response.text());
    expect(records).toHaveLength(1);
  });

  it("keeps its bytes however the request was given", async () => {
    const { fetch } = metered();
    const { body, ...rest } = chat({ stream: true, stream_options: { include_usage: true } }, "cut=utf8");
    const bytes = new TextEncoder().encode(body);
    const stream = new Blob([bytes]).stream();
    const inits = [{ body }, { body: bytes }, { body: bytes.buffer }, { body: new Blob([bytes]) }];
    const answers: string[] = [];
    relay.reset();
    for (const init of [...inits, { body: stream, duplex: "half" as const }]) {
      answers.push(await (await fetch(url(), { ...rest, ...init })).text());
    }
    answers.push(await (await fetch(new Request(url(), { ...rest, body }))).text());
    const shape = (text: string) => text.replaceAll(/"(id|created|system_fingerprint)":("[^"]*"|\d+)/g, "");
    expect(new Set(answers.map(shape)).size).toBe(1);
    expect(records.map(({ bytesIn, modelSent, source }) => ({ bytesIn, modelSent, source }))).toEqual(
      Array.from({ length: 6 }, () => ({ bytesIn: bytes.length, modelSent: "gpt-4.1", source: "reported" })),
    );
  });

  it("lacks the one chunk that the meter's wish for usage causes, and nothing else", async () => {
    const asked = await (await metered().fetch(url(), chat({ stream: true }))).text();
    expect(asked).not.toContain('"choices":[]');
    expect(asked.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(records[0]).toMatchObject({
      source: "reported",
      quantities: { outputTokens: expect.any(Number) },
    });
    const unasked = metered({ includeUsage: false });
    await (await unasked.fetch(url(), chat({ stream: true }))).text();
    // Estimates take a moment.
    await expect.poll(() => records[1]).toMatchObject({ source: "estimated" });
  });

  it("without a body ends the call", async () => {
    const response = await metered().fetch(url(), chat({}, "status=204"));
    expect(response.body).toBeNull();
    // Its input is estimated, which takes a moment.
    await expect.poll(() => records).toMatchObject([{ status: 204 }]);
  });
});

describe("a call", () => {
  it("is not metered when it is none of an LLM API", async () => {
    const meter = metered();
    expect((await meter.fetch(`${relay.url}/sandbox/books`)).status).toBe(200);
    expect(meter.stats().calls).toBe(0);
  });

  it("ends as left when the app cancels the body, and the upstream is let go", async () => {
    const response = await metered().fetch(url(), chat({ stream: true }, "tokensPerSecond=50; output=4000"));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect
      .poll(() => records)
      .toMatchObject([{ status: 499, errorType: "client_gone", source: "partial" }]);
    await expect.poll(() => relay.books.total().aborted).toBe(1);
  });

  it.each([
    ["at once", 0],
    ["after a while", 300],
  ])("ends as left when the app aborts %s while it reads nothing", async (_, ms) => {
    const app = new AbortController();
    const init = { ...chat({ stream: true }, "tokensPerSecond=50; output=4000"), signal: app.signal };
    const response = await metered().fetch(url(), init);
    await new Promise((resolve) => setTimeout(resolve, ms));
    app.abort();
    await ended();
    expect(records).toMatchObject([{ status: 499, errorType: "client_gone" }]);
    await expect(response.text()).rejects.toThrow();
    await expect.poll(() => relay.books.total().aborted).toBe(1);
  });

  it("costs no listener on the app's signal when its answer is read in one", async () => {
    const { signal } = new AbortController();
    const listens = vi.spyOn(signal, "addEventListener");
    const answer = () => Promise.resolve(new Response("{}"));
    const { fetch } = metered({ fetch: answer });
    await (await fetch(url(), { ...chat(), signal })).json();
    expect(listens).not.toHaveBeenCalled();
    await (await fetch(url(), { ...chat(), signal })).body?.cancel();
    expect(listens).toHaveBeenCalledOnce();
  });

  it("ends as left when the app drops the answer without reading it", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { fetch } = metered();
    await (async () => {
      await fetch(url(), chat({ stream: true }, "tokensPerSecond=50; output=4000"));
    })();
    await vi.waitFor(
      () => {
        collect();
        expect(records).toMatchObject([{ status: 499, errorType: "client_gone" }]);
      },
      { timeout: 45_000, interval: 20 },
    );
  });

  it("is not left by an app that stops at the end of what was said", async () => {
    const response = await metered().fetch(
      url(),
      chat({ stream: true, stream_options: { include_usage: true } }),
    );
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; !text.includes("[DONE]"); ) text += (await reader?.read())?.value ?? "";
    await reader?.cancel();
    await ended();
    expect(records).toMatchObject([{ status: 200, errorType: undefined, source: "reported" }]);
  });

  it("ends with the upstream's fault when the answer breaks off, and the app gets fetch's own error", async () => {
    const response = await metered().fetch(url(), chat({ stream: true }, "reset=stream; after=3"));
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(records).toMatchObject([{ status: 200, errorType: "reset", source: "partial" }]);
  });

  it("is in flight until its body has been read", async () => {
    const meter = metered();
    const inFlight = async () => /in_flight\{.*\} (\d)/.exec(await meter.metrics())?.[1];
    const response = await meter.fetch(url(), chat());
    expect(await inFlight()).toBe("1");
    await response.text();
    expect(await inFlight()).toBe("0");
  });

  it("goes on when those who hear of it fail", async () => {
    const heard: unknown[] = [];
    const meter = metered({
      onUsage: () => {
        throw new Error("listener");
      },
      onError: (error) => heard.push(error),
    });
    expect(await (await meter.fetch(url(), chat())).text()).toContain("usage");
    expect(heard).toMatchObject([{ message: "listener" }]);
  });
});

it("reads no further than the app does", async () => {
  const piece = Buffer.from(`data: ${"x".repeat(64 * 1024)}\n\n`);
  const total = 1000;
  let written = 0;
  const server = createServer((request, response: ServerResponse) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    const write = (): void => {
      let room = true;
      while (room && written < total) {
        room = response.write(piece);
        written++;
      }
      if (written === total) response.end();
    };
    response.on("drain", write);
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const response = await metered().fetch(
    `http://127.0.0.1:${port}/v1/chat/completions`,
    chat({ stream: true }),
  );
  let before = -1;
  await until(() => {
    const still = written === before;
    before = written;
    return still;
  }, true);
  // What waits is in socket buffers: a few MiB of the 64.
  expect(written).toBeLessThan(total / 2);
  expect((await response.arrayBuffer()).byteLength).toBe(total * piece.length);
  server.close();
});

it("gives the app what the platform would, and counts the bytes that came", async () => {
  const json = Buffer.from(
    '{"model":"gpt-4.1","usage":{"prompt_tokens":3,"completion_tokens":4},"text":"_"}',
  );
  const mark = Buffer.from([0xef, 0xbb, 0xbf]);
  const broken = [[0xff], [0xc3], [0xe6, 0xbc], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x90], [0xf8, 0x88]];
  const around = [json.subarray(0, -3), json.subarray(-2)] as const;
  const bodies = [
    ...broken.map((bytes) => Buffer.concat([around[0], Buffer.from(bytes), around[1]])),
    Buffer.concat([mark, json]),
    mark,
    Buffer.concat([mark, Buffer.from(broken.flat())]),
  ];
  let body: Buffer = json;
  const server = createServer(({ headers }, response: ServerResponse) => {
    const { "x-framing": framing } = headers;
    const sized = framing === "sized" && { "content-length": body.length };
    const packed = framing === "packed" && { "content-encoding": "gzip" };
    response.writeHead(200, { "content-type": "application/json", ...sized, ...packed });
    response.write(packed ? gzipSync(body) : body);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const there = `http://127.0.0.1:${port}/v1/chat/completions`;
  const outcome = (read: Promise<unknown>) =>
    read.then(
      (value) => ({ value }),
      (error: unknown) => ({ error: String(error) }),
    );
  for (body of bodies) {
    const ways = ["text", "json", "arrayBuffer"] as const;
    const framings = ["sized", "chunked", "packed"];
    for (const [how, framing] of ways.flatMap((way) => framings.map((each) => [way, each] as const))) {
      records.length = 0;
      const ask = { ...chat(), headers: { ...headers, "x-framing": framing } };
      const [plain, metred] = [await fetch(there, ask), await metered().fetch(there, ask)];
      expect(await outcome(metred[how]())).toEqual(await outcome(plain[how]()));
      await ended();
      expect(records[0]?.bytesOut).toBe(body.length);
    }
    const reported = body.includes("usage");
    expect(records[0]).toMatchObject(reported ? { source: "reported" } : { errorType: "malformed" });
  }
  server.close();
});

it("of a body that was read as a whole shows what the platform does", async () => {
  const { fetch } = metered();
  const after = async (response: Response) => {
    await response.json();
    const { body, bodyUsed } = response;
    return { bodyUsed, locked: body?.locked, again: await response.text().catch((error) => error.message) };
  };
  expect(await after(await fetch(url(), chat()))).toEqual(await after(await globalThis.fetch(url(), chat())));
});

it("fails as the platform does where a body has pieces that are no bytes, or was read before", async () => {
  const strange = () => new ReadableStream({ start: (controller) => controller.enqueue("text") });
  const { fetch } = metered({ fetch: async () => new Response(strange()) });
  const failed = await new Response(strange()).text().catch(String);
  expect(await (await fetch(url(), chat())).text().catch(String)).toBe(failed);
  expect(failed).toMatch(/^TypeError/);
  const taken = async () => {
    const response = new Response("{}", { headers: { "content-type": "application/json" } });
    await response.text();
    return response;
  };
  const late = await metered({ fetch: taken }).fetch(url(), chat());
  await expect(late.text()).rejects.toThrow(TypeError);
  expect(records).toHaveLength(2);
});
