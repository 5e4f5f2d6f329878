/** Clients that leave amid an answer: what the upstream sees of it, and what is metered. */
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { APIUserAbortError } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sandboxPrices } from "../../src/sandbox/models.ts";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { pricesAsConfigured } from "../helpers/ledger.ts";
import { rowsOf, sums } from "../helpers/page.ts";
import { anthropicAt } from "../helpers/scenarios/anthropic.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";
import { HELD_UP_BYTES, some } from "../helpers/scenarios/scenario.ts";
import { until } from "../helpers/until.ts";

const content = "Who leads the flock? 领头羊";
const messages = [{ role: "user" as const, content }];
const knobs = (text: string) => ({ headers: { "x-sandbox": text } });

let gateway: TestGateway;
const openai = () => openaiAt({ url: gateway.url, key: SANDBOX_KEY });
const anthropic = () => anthropicAt({ url: gateway.url, key: SANDBOX_KEY });
const books = () => gateway.sandbox.books.total();

/** What the page says of one model, and nothing of others: each test has a model of its own. */
async function metered(model: string): Promise<Record<string, unknown>> {
  await gateway.quiet();
  const page = await gateway.page();
  const of = (name: string, ...by: string[]) =>
    sums(
      rowsOf(page, `bellwether_${name}`).filter(({ labels }) => labels.model === model),
      ...by,
    );
  return {
    statuses: of("requests_total", "status"),
    errors: of("errors_total", "type"),
    sources: of("usage_records_total", "source"),
    input: of("input_tokens_total")[""],
    output: of("output_tokens_total")[""],
    cost: of("cost_usd_total")[""],
  };
}

describe("a client that leaves, where calls are then cancelled", () => {
  beforeAll(async () => {
    gateway = await startGateway({ upstream: { prices: pricesAsConfigured(sandboxPrices) } });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  it("amid a stream: the upstream's call is aborted, what had come is estimated and marked", async () => {
    const model = "gpt-4.1";
    const request = { model, messages, stream: true } as const;
    const chunks = await some(
      await openai().chat.completions.create(request, knobs("hang=stream; after=9")),
      9,
    );
    await until(() => books().aborted, 1);
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    const [input, output] = [countTokens(content), countTokens(text)];
    expect(output).toBeGreaterThan(5);
    expect(await metered(model)).toEqual({
      statuses: { "499": "1" },
      errors: { client_gone: "1" },
      sources: { partial: "1" },
      input: String(input),
      output: String(output),
      cost: sums([{ labels: {}, value: String((input * 2 + output * 8) / 1e6) }])[""],
    });
  });

  it("amid a message: the input is what the upstream had reported before", async () => {
    const model = "claude-sonnet-4.5";
    const request = { model, messages, max_tokens: 100, stream: true } as const;
    const events = await some(await anthropic().messages.create(request, knobs("hang=stream; after=9")), 8);
    await until(() => books().aborted, 1);
    const text = events
      .map((event) =>
        event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : "",
      )
      .join("");
    expect(await metered(model)).toMatchObject({
      statuses: { "499": "1" },
      sources: { partial: "1" },
      input: String(books().used.inputTokens),
      output: String(countTokens(text)),
    });
  });

  it("before the answer's head: the call is aborted, and its input is estimated by its length", async () => {
    const model = "gpt-4o";
    const leaving = new AbortController();
    const asked = openai().chat.completions.create(
      { model, messages },
      { ...knobs("hang=head"), signal: leaving.signal },
    );
    const ended = expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
    await until(() => gateway.sandbox.books.inFlight, 1);
    leaving.abort();
    await ended;
    await until(() => books().statuses, { "0": 1 });
    expect(await metered(model)).toMatchObject({
      statuses: { "499": "1" },
      errors: { client_gone: "1" },
      input: String(Math.ceil(Buffer.byteLength(JSON.stringify({ model, messages })) / 4)),
      output: undefined,
    });
  });

  it("after the whole answer: the call is a success like any other", async () => {
    const model = "gpt-4o-mini";
    const request = { model, messages, max_tokens: 4, stream: true } as const;
    // The stream's own end is the last that the client reads before it leaves.
    for await (const _ of await openai().chat.completions.create(request));
    expect(await metered(model)).toMatchObject({
      statuses: { "200": "1" },
      errors: {},
      sources: { reported: "1" },
      output: "4",
    });
  });
});

describe("a client that leaves, where answers are drained", () => {
  beforeAll(async () => {
    gateway = await startGateway({
      upstream: {
        prices: pricesAsConfigured(sandboxPrices),
        onClientGone: "drain",
        drain: { bytes: "100MiB", time: "30s" },
      },
    });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  it("amid a stream: the upstream finishes, and its usage is metered exactly", async () => {
    const model = "gpt-4.1";
    const request = { model, messages, stream: true } as const;
    await some(await openai().chat.completions.create(request, knobs(`size=${HELD_UP_BYTES}`)), 1);
    await until(() => books().completed, 1);
    const { used } = books();
    expect(used.outputTokens).toBe(HELD_UP_BYTES / 4096);
    expect(await metered(model)).toEqual({
      statuses: { "499": "1" },
      errors: { client_gone: "1" },
      sources: { reported: "1" },
      input: String(used.inputTokens),
      output: String(used.outputTokens),
      cost: gateway.sandbox.books.toJSON().costUsd,
    });
  });

  it("amid a message", async () => {
    const model = "claude-haiku-4-5";
    const request = { model, messages, max_tokens: 100_000, stream: true } as const;
    await some(await anthropic().messages.create(request, knobs(`size=${HELD_UP_BYTES}`)), 2);
    await until(() => books().completed, 1);
    expect(await metered(model)).toMatchObject({
      statuses: { "499": "1" },
      sources: { reported: "1" },
      cost: gateway.sandbox.books.toJSON().costUsd,
    });
  });

  it("is not waited for without end: past the limit the call is cancelled after all", async () => {
    await gateway.configure({ upstream: { onClientGone: "drain", drain: { bytes: "1MiB" } } });
    const model = "gpt-4o";
    const request = { model, messages, stream: true } as const;
    await some(await openai().chat.completions.create(request, knobs(`size=${HELD_UP_BYTES}`)), 1);
    await until(() => books().aborted, 1);
    expect(books().abortedBytes).toBeLessThan(HELD_UP_BYTES);
    expect(await metered(model)).toMatchObject({ statuses: { "499": "1" }, sources: { partial: "1" } });
    expect(total(await gateway.samples(), "bellwether_requests_in_flight")).toBe(0);
  });
});
