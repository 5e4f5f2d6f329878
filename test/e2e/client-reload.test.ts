/** Another configuration while clients are served: running calls go on as they began, the next see the new one. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatUsd } from "../../src/core/money.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway, total } from "../helpers/gateway.ts";
import { rowsOf, sums } from "../helpers/page.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";
import { all, HELD_UP_BYTES } from "../helpers/scenarios/scenario.ts";
import { until } from "../helpers/until.ts";

const messages = [{ role: "user" as const, content: "Who leads the flock?" }];
const LONG = { headers: { "x-sandbox": `size=${HELD_UP_BYTES}` } };
const stream = { model: "gpt-4.1", messages, stream: true } as const;

const before: TestConfig = {
  upstream: { prices: { "gpt-4.1": { input: 2, output: 8 } } },
  models: { fast: { alias: "gpt-4.1" } },
};
const after: TestConfig = {
  upstream: { prices: { "gpt-4.1": { input: 3, output: 9 } } },
  models: { fast: { alias: "gpt-4o" } },
};

let gateway: TestGateway;
const client = (url = gateway.url) => openaiAt({ url, key: SANDBOX_KEY });
const ask = (model: string) => client().chat.completions.create({ model, messages });
const reloaded = async () => total(await gateway.samples(), "bellwether_config_last_reload_success");

beforeEach(async () => {
  gateway = await startGateway(before);
});
afterEach(() => gateway.close());

describe("a good configuration", () => {
  /** Begins a stream, does something while it is held up, and reads it to its end. */
  async function amidStream(work: () => Promise<void>): Promise<unknown[]> {
    const chunks: unknown[] = [];
    for await (const chunk of await client().chat.completions.create(stream, LONG)) {
      if (chunks.push(chunk) > 1) continue;
      await work();
      // It is still running: what happened, happened amid the stream.
      expect(gateway.sandbox.books.inFlight).toBe(1);
    }
    return chunks;
  }

  const whole = () =>
    all(
      client(gateway.sandbox.url).chat.completions.create(
        { ...stream, stream_options: { include_usage: true } },
        LONG,
      ),
    );

  /** Compares one by one: of two lists as long as these nobody wants to see the difference. */
  function expectSame(actual: readonly unknown[], expected: readonly unknown[]): void {
    expect(actual.length).toBe(expected.length);
    for (const [at, chunk] of expected.entries()) expect(actual[at]).toEqual(chunk);
  }

  it("leaves a running stream alone, and holds for the next call", async () => {
    const chunks = await amidStream(async () => {
      expect((await ask("fast")).model).toBe("gpt-4.1");
      await gateway.configure(after);
      expect((await ask("fast")).model).toBe("gpt-4o");
    });
    expectSame(chunks, (await whole()).slice(0, -1));
  });

  it("leaves a running stream its price", async () => {
    const cost = (input = 0, output = 0, prices: readonly [number, number]): bigint =>
      BigInt(input * prices[0] + output * prices[1]) * 1_000_000n;
    let next = 0n;
    await amidStream(async () => {
      await gateway.configure(after);
      const { usage } = await ask("gpt-4.1");
      next = cost(usage?.prompt_tokens, usage?.completion_tokens, [3, 9]);
      await until(
        async () => sums(rowsOf(await gateway.page(), "bellwether_cost_usd_total"))[""],
        formatUsd(next),
      );
    });
    await gateway.quiet();
    const { used } = gateway.sandbox.books.total();
    const nextUsed = await ask("gpt-4.1").then(({ usage }) => usage);
    const streamed = cost(
      (used.inputTokens ?? 0) - (nextUsed?.prompt_tokens ?? 0),
      (used.outputTokens ?? 0) - (nextUsed?.completion_tokens ?? 0),
      [2, 8],
    );
    await gateway.quiet();
    const page = await gateway.page();
    expect(sums(rowsOf(page, "bellwether_cost_usd_total"))[""]).toBe(formatUsd(streamed + next + next));
  });

  it("may move an upstream elsewhere: the running stream stays where it is", async () => {
    const elsewhere: Sandbox = await startSandbox({ seed: 2 });
    try {
      const chunks = await amidStream(async () => {
        await gateway.configure({ upstream: { baseUrl: `${elsewhere.url}/v1` } });
        await ask("gpt-4.1");
        expect(elsewhere.books.calls).toBe(1);
      });
      expectSame(chunks, (await whole()).slice(0, -1));
      expect(elsewhere.books.calls).toBe(1);
    } finally {
      await elsewhere.close();
    }
  });

  it("is noticed when the file changes", async () => {
    const text = (alias: string): string =>
      [
        "upstreams:",
        `  relay: { baseUrl: "${gateway.sandbox.url}/v1", apiKey: ${SANDBOX_KEY} }`,
        `models: { fast: { alias: ${alias} } }`,
      ].join("\n");
    await gateway.write(text("gpt-4o-mini"));
    await until(async () => (await ask("fast")).model, "gpt-4o-mini");
    expect(await reloaded()).toBe(1);
  });
});

describe("a bad configuration", () => {
  it.each([
    ["an unknown key", "server: { prot: 9000 }"],
    ["no YAML", "upstreams: { relay: ["],
    ["an upstream that does not exist", "upstreams: {}\nmodels: { fast: { upstreams: [relay] } }"],
    ["nothing that may run", "server: { auth: keys }"],
  ])("(%s) changes nothing, and is shown", async (_what, text) => {
    const at = async () => total(await gateway.samples(), "bellwether_config_last_reload_timestamp_seconds");
    const loadedAt = await at();
    expect(await reloaded()).toBe(1);
    await gateway.write(text);
    await until(reloaded, 0);
    expect(await at()).toBe(loadedAt);
    expect((await ask("fast")).model).toBe("gpt-4.1");
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    await gateway.configure(after);
    expect(await reloaded()).toBe(1);
    expect(await at()).toBeGreaterThan(loadedAt);
    expect((await ask("fast")).model).toBe("gpt-4o");
  });

  it("says what is wrong", async () => {
    await gateway.write("upstreams: { relay: { baseUrl: http://127.0.0.1:1, aplKey: sk-secret-value } }");
    const { success, problems } = await gateway.running.reload("test");
    expect(success).toBe(false);
    const said = JSON.stringify(problems);
    expect(said).toContain("aplKey");
    expect(said).toContain("apiKey");
    expect(said).not.toContain("sk-secret-value");
  });
});
