/** However an app reads a body, it gets every piece once and in order, and the call is metered the same. */
import { afterEach, describe, expect, it } from "vitest";
import { createMeter, type Usage } from "./index.ts";

const EVENTS = [" one", " two", " three"].map(
  (content) => `data: ${JSON.stringify({ model: "m", choices: [{ index: 0, delta: { content } }] })}\n\n`,
);
const USAGE = `data: ${JSON.stringify({ model: "m", choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } })}\n\n`;
const ALL = [...EVENTS, USAGE, "data: [DONE]\n\n"];

const records: Usage[] = [];
afterEach(() => {
  records.length = 0;
});

/** An upstream that gives a piece whenever it is asked for one, or when it is told to. */
class Upstream {
  readonly cancelled: unknown[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly body: ReadableStream<Uint8Array>;

  constructor(pieces: readonly string[] | undefined) {
    const left = pieces?.map((piece) => new TextEncoder().encode(piece));
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull(controller) {
        const piece = left?.shift();
        if (piece !== undefined) controller.enqueue(piece);
        else if (left !== undefined) controller.close();
      },
      cancel: (reason) => {
        this.cancelled.push(reason);
      },
    });
  }

  give(piece: string): void {
    this.#controller?.enqueue(new TextEncoder().encode(piece));
  }

  fail(error: Error): void {
    this.#controller?.error(error);
  }
}

/** Without `asks` the meter asks for usage by itself, and takes the chunk with it out again. */
async function call(
  upstream: Upstream,
  { asks = true, signal }: { asks?: boolean; signal?: AbortSignal } = {},
) {
  const { fetch } = createMeter({
    priceFiles: [],
    fetch: async () => new Response(upstream.body, { headers: { "content-type": "text/event-stream" } }),
    onUsage: (usage) => records.push(usage),
  });
  const usage = asks ? { stream_options: { include_usage: true } } : {};
  const response = await fetch("https://relay.example/v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ model: "m", stream: true, ...usage }),
    ...(signal === undefined ? {} : { signal }),
  });
  return response;
}

const bodyOf = (response: Response) => response.body as ReadableStream<Uint8Array>;
const textOf = (pieces: readonly Uint8Array[]) => pieces.map((piece) => Buffer.from(piece)).join("");

async function byReader(body: ReadableStream<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  const reader = body.getReader();
  for (let read = await reader.read(); read.value !== undefined; read = await reader.read())
    pieces.push(read.value);
  return textOf(pieces);
}

async function byLoop(body: ReadableStream<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return textOf(pieces);
}

const WAYS: Readonly<Record<string, (response: Response) => Promise<string>>> = {
  "a reader": (response) => byReader(bodyOf(response)),
  "for await": (response) => byLoop(bodyOf(response)),
  tee: async (response) => {
    const [one, other] = bodyOf(response).tee();
    const [text, same] = await Promise.all([byReader(one), byLoop(other)]);
    expect(same).toBe(text);
    return text;
  },
  pipeThrough: async (response) => {
    let text = "";
    for await (const piece of bodyOf(response).pipeThrough(new TextDecoderStream())) text += piece;
    return text;
  },
  "another Response": (response) => new Response(response.body).text(),
  text: (response) => response.text(),
  "a reader after another": async (response) => {
    const body = bodyOf(response);
    const first = body.getReader();
    const { value } = await first.read();
    first.releaseLock();
    return textOf(value === undefined ? [] : [value]) + (await byLoop(body));
  },
  "a pipe after a reader": async (response) => {
    const body = bodyOf(response);
    const first = body.getReader();
    const { value } = await first.read();
    first.releaseLock();
    return (
      textOf(value === undefined ? [] : [value]) + (await byReader(body.pipeThrough(new TransformStream())))
    );
  },
};

describe.each(Object.keys(WAYS))("by %s", (way) => {
  it("an app gets all that came, and the call is metered", async () => {
    expect(await WAYS[way]?.(await call(new Upstream(ALL)))).toBe(ALL.join(""));
    expect(records).toMatchObject([
      { status: 200, errorType: undefined, source: "reported", bytesOut: ALL.join("").length },
    ]);
  });

  it("it gets all but the chunk that it did not ask for, however the pieces are cut", async () => {
    const cut = [...ALL.join("")];
    const left = [...EVENTS, "data: [DONE]\n\n"].join("");
    expect(await WAYS[way]?.(await call(new Upstream(cut), { asks: false }))).toBe(left);
    expect(records).toMatchObject([
      { source: "reported", quantities: { outputTokens: 4 }, bytesOut: left.length },
    ]);
  });

  it("it gets what fetch itself fails with", async () => {
    const upstream = new Upstream(undefined);
    const reading = WAYS[way]?.(await call(upstream));
    upstream.give(EVENTS[0] ?? "");
    const error = new TypeError("terminated");
    setTimeout(() => upstream.fail(error), 5);
    await expect(reading).rejects.toBe(error);
    await expect.poll(() => records).toMatchObject([{ errorType: "reset", source: "partial" }]);
  });

  it("it gets its own reason when it aborts", async () => {
    const app = new AbortController();
    const reading = WAYS[way]?.(await call(new Upstream(undefined), { signal: app.signal }));
    const reason = new Error("enough");
    setTimeout(() => app.abort(reason), 5);
    await expect(reading).rejects.toBe(reason);
    await expect.poll(() => records).toMatchObject([{ errorType: "client_gone" }]);
  });
});

describe("a reader", () => {
  it("locks the body, and says when it has ended", async () => {
    const response = await call(new Upstream(ALL));
    const body = bodyOf(response);
    expect(body).toBeInstanceOf(ReadableStream);
    const reader = body.getReader();
    expect(reader).toBeInstanceOf(ReadableStreamDefaultReader);
    expect(body.locked).toBe(true);
    expect(() => body.getReader()).toThrow(TypeError);
    expect(() => body.values()).toThrow(TypeError);
    await expect(body.cancel()).rejects.toThrow(TypeError);
    for (let left = ALL.length; left > 0; left--) expect((await reader.read()).done).toBe(false);
    expect(response.bodyUsed).toBe(true);
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    await reader.closed;
    reader.releaseLock();
    expect(body.locked).toBe(false);
    await expect(reader.read()).rejects.toThrow(TypeError);
    expect(await body.getReader().read()).toEqual({ done: true, value: undefined });
  });

  it("that leaves while it waits takes no piece with it", async () => {
    const upstream = new Upstream(undefined);
    const body = bodyOf(await call(upstream));
    const first = body.getReader();
    const waiting = [first.read(), first.read()];
    first.releaseLock();
    const next = body.getReader();
    const got = [next.read(), next.read()];
    for (const piece of ALL) upstream.give(piece);
    for (const read of waiting) await expect(read).rejects.toThrow(TypeError);
    const pieces = (await Promise.all(got)).flatMap(({ value }) => value ?? []);
    expect(textOf(pieces)).toBe(ALL.slice(0, 2).join(""));
    expect(textOf([(await next.read()).value ?? new Uint8Array()])).toBe(ALL[2]);
  });

  it("that follows a pipe which has left overtakes no piece", async () => {
    const upstream = new Upstream(undefined);
    const body = bodyOf(await call(upstream));
    const leave = new AbortController();
    const piped = body.pipeTo(new WritableStream(), { signal: leave.signal, preventCancel: true });
    await new Promise(setImmediate);
    leave.abort();
    await expect(piped).rejects.toThrow("aborted");
    const reader = body.getReader();
    const first = reader.read();
    for (const piece of ALL) upstream.give(piece);
    expect(textOf([(await first).value ?? new Uint8Array()])).toBe(ALL[0]);
    expect(textOf([(await reader.read()).value ?? new Uint8Array()])).toBe(ALL[1]);
  });

  it("that cancels lets the upstream go and ends", async () => {
    const upstream = new Upstream(ALL);
    const reader = bodyOf(await call(upstream)).getReader();
    await reader.read();
    await reader.cancel("seen enough");
    expect(upstream.cancelled).toEqual(["seen enough"]);
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    await reader.closed;
    await expect.poll(() => records).toMatchObject([{ errorType: "client_gone", source: "partial" }]);
  });

  it("of bytes is refused, as the body is none of bytes", async () => {
    const body = bodyOf(await call(new Upstream(ALL)));
    expect(() => body.getReader({ mode: "byob" })).toThrow(TypeError);
  });
});

describe("for await", () => {
  it("that is left lets the upstream go, whenever that is", async () => {
    const [begun, fresh] = [new Upstream(ALL), new Upstream(ALL)];
    const body = bodyOf(await call(begun));
    for await (const piece of body) {
      expect(textOf([piece])).toBe(ALL[0]);
      break;
    }
    expect(body.locked).toBe(false);
    const pieces = bodyOf(await call(fresh)).values();
    expect(await pieces.return?.()).toEqual({ done: true, value: undefined });
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
    expect([begun.cancelled.length, fresh.cancelled.length]).toEqual([1, 1]);
    await expect
      .poll(() => records.map(({ errorType }) => errorType))
      .toEqual(["client_gone", "client_gone"]);
  });

  it("can be left and gone on with", async () => {
    const upstream = new Upstream(ALL);
    const body = bodyOf(await call(upstream));
    for await (const piece of body.values({ preventCancel: true })) {
      expect(textOf([piece])).toBe(ALL[0]);
      break;
    }
    expect(upstream.cancelled).toEqual([]);
    expect(await byLoop(body)).toBe(ALL.slice(1).join(""));
    expect(records).toMatchObject([{ errorType: undefined, source: "reported" }]);
  });

  it("may be asked for several pieces at a time", async () => {
    const pieces = bodyOf(await call(new Upstream(ALL.slice(0, 2)))).values();
    const got = await Promise.all([pieces.next(), pieces.next(), pieces.next(), pieces.next()]);
    expect(got.map(({ done }) => done)).toEqual([false, false, true, true]);
  });
});

it("a body of which a part has been read is refused as a whole, by a promise that fails", async () => {
  const response = await call(new Upstream(ALL));
  const reader = bodyOf(response).getReader();
  await reader.read();
  for (const read of ["text", "json", "arrayBuffer", "blob"] as const) {
    await expect(response[read]()).rejects.toThrow(TypeError);
  }
  reader.releaseLock();
  await expect(response.text()).rejects.toThrow(TypeError);
});
