/** The meter library as apps get it: its size, what it needs, and every snippet of docs/meter.md, run. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";

const root = join(import.meta.dirname, "../..");
const library = join(root, "dist/meter.mjs");
const MOST_BYTES = 60 * 1024;

let relay: Sandbox;
beforeAll(async () => {
  relay = await startSandbox();
});
afterAll(() => relay.close());

it("is at most 60 KB gzipped, without prices", async () => {
  expect(gzipSync(await readFile(library), { level: 9 }).length).toBeLessThanOrEqual(MOST_BYTES);
});

/** What workers have, and no more: no process, no Buffer, no require. */
const WEB = {
  fetch,
  ...{ Request, Response, Headers, FormData, Blob, URL, URLSearchParams },
  ...{ ReadableStream, ReadableStreamDefaultReader, WritableStream, TransformStream },
  ...{ TextEncoder, TextDecoder },
  ...{ AbortController, AbortSignal, DOMException, Event, EventTarget },
  ...{ crypto, performance, queueMicrotask, structuredClone, atob, btoa },
  ...{ setTimeout, clearTimeout, setInterval, clearInterval },
};

it("runs where there are web standards and nothing of Node.js", async () => {
  const bundle = await rolldown({
    input: library,
    platform: "neutral",
    external: /^node:/,
    checks: { unresolvedImport: false },
  });
  const { output } = await bundle.generate({ format: "iife", name: "library", codeSplitting: false });
  await bundle.close();
  const context = createContext({ ...WEB, console });
  runInContext(`${output[0].code}; globalThis.library = library;`, context);
  const found = await runInContext(
    `(async () => {
      const records = [];
      const meter = library.createMeter({ onUsage: (record) => records.push(record), prices: { "gpt-4.1": { input: 2, output: 8 } } });
      const response = await meter.fetch(${JSON.stringify(`${relay.url}/v1/chat/completions`)}, {
        method: "POST",
        headers: { authorization: ${JSON.stringify(`Bearer ${SANDBOX_KEY}`)}, "content-type": "application/json" },
        body: JSON.stringify({ model: "gpt-4.1", stream: true, messages: [{ role: "user", content: "Hello" }] }),
      });
      await response.text();
      return JSON.stringify({ kinds: [typeof process, typeof Buffer, typeof require], output: records[0].quantities.outputTokens, page: await meter.metrics() });
    })()`,
    context,
  );
  const { kinds, output: tokens, page } = JSON.parse(found as string);
  expect(kinds).toEqual(["undefined", "undefined", "undefined"]);
  expect(tokens).toBe(Number(relay.books.total({ model: "gpt-4.1" }).reported.outputTokens));
  expect(page).toMatch(/bellwether_output_tokens_total\{.*model="gpt-4.1".*\} [1-9]/);
});

describe("docs/meter.md", async () => {
  const text = await readFile(join(root, "docs/meter.md"), "utf8");
  const snippets = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, code = ""]) => code);
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bellwether-snippets-"));
    await mkdir(join(folder, "node_modules"));
    const packages = ["openai", "@anthropic-ai", "@ai-sdk", "ai", "prom-client", "@opentelemetry"];
    for (const name of packages) {
      await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    await symlink(root, join(folder, "node_modules/bellwether"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(snippets.map((code, index) => [index + 1, code] as const))(
    "snippet %i runs",
    async (index, code) => {
      const before = relay.books.total({}).calls;
      const file = join(folder, `${index}.mjs`);
      const here = code.replaceAll("https://relay.example", relay.url).replaceAll("sk-relay", SANDBOX_KEY);
      await writeFile(file, here);
      const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
      expect(stderr).toBe("");
      const calls = code.includes("relay.example") ? 1 : 0;
      expect(relay.books.total({}).calls - before).toBe(calls);
    },
  );
});
