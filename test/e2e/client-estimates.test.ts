/** Usage that upstreams report late, repeatedly or not at all: exact where it can be, estimated and marked else. */
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sandboxPrices } from "../../src/sandbox/models.ts";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { pricesAsConfigured } from "../helpers/ledger.ts";
import { type Row, rowsOf, sums } from "../helpers/page.ts";
import { anthropicAt } from "../helpers/scenarios/anthropic.ts";
import { geminiAt } from "../helpers/scenarios/gemini.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";
import { all } from "../helpers/scenarios/scenario.ts";

const content = "Who leads the flock? 领头羊, ひつじ and the others?";
const messages = [{ role: "user" as const, content }];
const prices = pricesAsConfigured(sandboxPrices);

let gateway: TestGateway;
const place = () => ({ url: gateway.url, key: SANDBOX_KEY });

/** What is metered meanwhile, and how many calls by source of the usage. */
async function metered(work: () => Promise<unknown>): Promise<Record<string, string | undefined>> {
  const read = async () => {
    await gateway.quiet();
    const page = await gateway.page();
    const of = (name: string) => rowsOf(page, `bellwether_${name}`);
    return {
      input: of("input_tokens_total"),
      output: of("output_tokens_total"),
      cost: of("cost_usd_total"),
      source: of("usage_records_total"),
    };
  };
  const before = await read();
  await work();
  const after = await read();
  const grown = (what: keyof typeof before, ...by: string[]) =>
    sums([...after[what], ...before[what].map(negative)], ...by);
  return {
    input: grown("input")[""],
    output: grown("output")[""],
    cost: grown("cost")[""],
    ...grown("source", "source"),
  };
}

function negative({ labels, value }: Row): Row {
  return { labels, value: value === "0" ? value : `-${value}` };
}

describe("an upstream that does not know `include_usage`", () => {
  beforeAll(async () => {
    gateway = await startGateway({ upstream: { includeUsage: false, prices } }, { record: true });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  const stream = { model: "gpt-4.1", messages, stream: true } as const;
  const post = (origin: string, path: string, body: object): Promise<string> =>
    fetch(origin + path, {
      method: "POST",
      headers: { authorization: `Bearer ${SANDBOX_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }).then((response) => response.text());

  it("is not asked for it: request and answer pass byte for byte", async () => {
    const direct = await post(gateway.sandbox.url, "/v1/chat/completions", stream);
    expect(await post(gateway.url, "/v1/chat/completions", stream)).toBe(direct);
    const [first, second] = gateway.sandbox.requests.map(({ body }) => body.toString());
    expect(second).toBe(first);
  });

  it("has its chats estimated with a real tokenizer", async () => {
    let text = "";
    const figures = await metered(async () => {
      const chunks = await all(openaiAt(place()).chat.completions.create(stream));
      text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    });
    const [input, output] = [countTokens(content), countTokens(text)];
    expect(output).toBeGreaterThan(5);
    const [cost] = Object.values(sums([{ labels: {}, value: String((input * 2 + output * 8) / 1e6) }]));
    expect(figures).toEqual({ input: String(input), output: String(output), cost, estimated: "1" });
  });

  it("has its completions estimated", async () => {
    const request = { model: "gpt-3.5-turbo-instruct", prompt: content, stream: true } as const;
    let text = "";
    const figures = await metered(async () => {
      const chunks = await all(openaiAt(place()).completions.create(request));
      text = chunks.map(({ choices }) => choices[0]?.text ?? "").join("");
    });
    // Their own, older encoding may count otherwise than today's: near is near enough here.
    expect(Number(figures.output) / countTokens(text)).toBeGreaterThan(0.5);
    expect(Number(figures.output) / countTokens(text)).toBeLessThan(2);
    expect(figures.estimated).toBe("1");
  });

  it("is believed where it reports usage: whole answers, and streams whose client asked", async () => {
    const figures = await metered(async () => {
      const client = openaiAt(place());
      await client.chat.completions.create({ ...stream, stream: false });
      await all(client.chat.completions.create({ ...stream, stream_options: { include_usage: true } }));
    });
    const { reported } = gateway.sandbox.books.total();
    expect(figures).toEqual({
      input: String(reported.inputTokens),
      output: String(reported.outputTokens),
      cost: gateway.sandbox.books.toJSON().costUsd,
      reported: "2",
    });
  });
});

const calls: readonly [string, (knob: string) => Promise<unknown>][] = [
  [
    "a chat",
    (knob) => {
      const request = { model: "gpt-4.1", messages, stream: true } as const;
      return all(openaiAt(place()).chat.completions.create(request, { headers: { "x-sandbox": knob } }));
    },
  ],
  [
    "a message",
    (knob) => {
      const request = { model: "claude-haiku-4-5", messages, max_tokens: 500, stream: true } as const;
      return all(anthropicAt(place()).messages.create(request, { headers: { "x-sandbox": knob } }));
    },
  ],
  [
    "generated content",
    (knob) => {
      const config = { httpOptions: { headers: { "x-sandbox": knob } } };
      const request = { model: "gemini-2.5-flash", contents: content, config };
      return geminiAt(place()).models.generateContentStream(request).then(all);
    },
  ],
];

describe("an upstream with its own way to report usage", () => {
  beforeAll(async () => {
    gateway = await startGateway({ upstream: { prices } });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  describe.each(calls)("of %s", (_name, call) => {
    it.each(["last-chunk", "every-chunk"])("in the %s is metered exactly", async (usage) => {
      const figures = await metered(() => call(`usage=${usage}`));
      const { used } = gateway.sandbox.books.total();
      expect(figures).toEqual({
        input: String(used.inputTokens),
        output: String(used.outputTokens),
        cost: gateway.sandbox.books.toJSON().costUsd,
        reported: "1",
      });
    });

    it("nowhere is estimated", async () => {
      const figures = await metered(() => call("usage=none"));
      expect(figures).toMatchObject({ input: String(countTokens(content)), estimated: "1" });
      expect(Number(figures.output)).toBeGreaterThan(5);
    });
  });
});
