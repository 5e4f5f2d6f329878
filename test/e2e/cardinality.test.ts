/** Clients may call models whatever they like: neither the metrics nor the memory grow with it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { RawClient, request } from "../helpers/raw-client.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway(
    { models: { fast: { alias: "gpt-4.1-mini" } } },
    { knobs: { anyModel: true } },
  );
});
afterAll(() => gateway.close());

const messages = [{ role: "user", content: "x" }];
/** The dialects that name a model, in their own ways. */
const dialects: readonly ((model: string) => Buffer)[] = [
  (model) => post("/v1/chat/completions", { model, messages, max_tokens: 1 }),
  (model) => post("/v1/messages", { model, messages, max_tokens: 1 }),
  (model) => post("/v1/embeddings", { model, input: "x", dimensions: 1 }),
  (model) => post("/v1/responses", { model, input: "x", max_output_tokens: 1 }),
  (model) =>
    post(
      `/v1beta/models/${encodeURIComponent(model.replace(/\p{Surrogate}/gu, "")).slice(0, 8000)}:generateContent`,
      { contents: [] },
    ),
];

function post(path: string, body: object): Buffer {
  return request("POST", path, ["Content-Type: application/json"], JSON.stringify(body));
}

/** Calls each name in one dialect after the other, a hundred at once on each of eight connections. */
async function callAll(names: readonly string[]): Promise<void> {
  const lines = Array.from({ length: 8 }, (_, line) => names.filter((_, index) => index % 8 === line));
  await Promise.all(
    lines.map(async (mine, line) => {
      const client = await RawClient.connect(gateway.url);
      for (let from = 0; from < mine.length; from += 100) {
        const some = mine.slice(from, from + 100);
        const calls = some.map((name, at) =>
          (dialects[(from + at + line) % dialects.length] ?? post)(name, {}),
        );
        client.post(Buffer.concat(calls));
        for (const _ of some) await client.answer();
      }
      client.close();
    }),
  );
  await gateway.quiet();
}

const MODEL = /[{,]model="((?:[^"\\]|\\.)*)"/;

async function modelLabels(): Promise<Set<string>> {
  const values = new Set<string>();
  for (const series of (await gateway.samples()).keys()) {
    const value = MODEL.exec(series)?.[1];
    if (value !== undefined) values.add(value);
  }
  return values;
}

const overflow = async (): Promise<number> =>
  total(await gateway.samples(), "bellwether_label_overflow_total", { label: "model" });

/** What is kept of `count` further calls, in bytes. */
async function growth(names: readonly string[]): Promise<number> {
  const used = (): number => {
    // The sandbox's own books have a page for each model.
    gateway.sandbox.reset();
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  await callAll(names);
  return used() - before;
}

const known = ["gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "fast"];

const hostile = [
  'a"b',
  "a\\",
  "a\nb",
  'x",status="200',
  "} 1\nfake_metric 2\n#",
  "\u2028\u2029\0\u0001\x7f",
  "\ud800 lone surrogate",
  "模型/🐑",
  "__proto__",
  "constructor",
  "toString",
  "other",
  "none",
  " gpt-4.1 ",
  "GPT-4.1",
  "../../etc/passwd",
  "gpt-4.1\u0000",
  "m".repeat(100_000),
  "é".repeat(50_000),
];

describe("10,000 invented model names", () => {
  it("add one value to the label `model`, are counted, and are not remembered", async () => {
    await callAll(known);
    const before = await modelLabels();
    const invented = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => `invented-${from + at}-${"x".repeat((from + at) % 50)}`);
    // The first thousand fill what is bounded; after that nothing more may stay.
    await callAll(invented(0, 2_000));
    expect(await growth(invented(2_000, 10_000))).toBeLessThan(6 * 2 ** 20);
    const added = [...(await modelLabels())].filter((value) => !before.has(value));
    expect(added).toEqual(["other"]);
    expect(await overflow()).toBe(10_000);
    const samples = await gateway.samples();
    expect(total(samples, "bellwether_requests_total", { model: "other" })).toBe(10_000);
  });

  it("that look like known ones are the known ones, or other", async () => {
    const before = await modelLabels();
    const dated = Array.from(
      { length: 300 },
      (_, day) => `gpt-4.1-20${10 + (day % 80)}-0${1 + (day % 9)}-11`,
    );
    const prefixed = Array.from({ length: 300 }, (_, at) => `vendor-${at}/gpt-4.1`);
    const suffixed = Array.from({ length: 300 }, (_, at) => `gpt-4.1-mini-${at}`);
    await callAll([...dated, ...prefixed, ...suffixed]);
    const added = [...(await modelLabels())].filter((value) => !before.has(value));
    expect(added.filter((value) => value !== "gpt-4.1-mini")).toEqual([]);
  });

  it("made to break the page do not", async () => {
    const before = await modelLabels();
    const count = await overflow();
    // Each in every dialect.
    await callAll(hostile.flatMap((name) => dialects.map(() => name)));
    const after = await modelLabels();
    // `none` is of the calls that are refused, as one whose path climbs.
    expect([...after].filter((value) => !before.has(value))).toEqual(["none"]);
    expect(await overflow()).toBeGreaterThan(count + hostile.length);
    for (const profile of ["bellwether", "holysheep", "ai_api", "llm", "genai"]) {
      const page = await gateway.page(profile);
      expect(page.split("\n").filter((line) => !LINE.test(line))).toEqual([]);
      expect(page).not.toContain("fake_metric");
    }
  });
});

/** A line of the text format: empty, a comment, or a sample. */
const LINE =
  /^(|# (HELP|TYPE) .*|[a-zA-Z_:][\w:]*(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? (NaN|[+-]?(Inf|[\d.e+-]+)))$/;
