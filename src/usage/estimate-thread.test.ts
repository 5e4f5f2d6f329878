import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roughTokens } from "./estimate.ts";
import { WorkerEstimator } from "./estimate-thread.ts";

const root = join(import.meta.dirname, "../..");
const cache = join(root, "node_modules/.cache");
const text = "The quick brown fox jumps over the lazy dog.";

/** A worker needs compiled files; they lie where gpt-tokenizer resolves. */
let folder: string;

beforeAll(() => {
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "estimate-"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  for (const name of ["tokenizer", "estimate", "estimate-here", "estimate-worker", "estimate-thread"]) {
    const { outputText } = ts.transpileModule(readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8"), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    });
    writeFileSync(join(folder, `${name}.js`), outputText);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const worker = (name = "estimate-worker.js"): URL => pathToFileURL(join(folder, name));

function write(name: string, source: string): URL {
  writeFileSync(join(folder, name), source);
  return worker(name);
}

describe("WorkerEstimator", () => {
  it("counts in a worker, scaled up to the whole text", async () => {
    const estimator = new WorkerEstimator(worker());
    expect(await estimator.tokens(text, text.length, "gpt-4o")).toBe(10);
    expect(await estimator.tokens(text, text.length * 100, "gpt-4o")).toBe(1000);
    estimator.close();
  });

  it("counts without a worker where the sources run uncompiled", async () => {
    const estimator = new WorkerEstimator();
    expect(await estimator.tokens(text, text.length, "gpt-4o")).toBe(10);
    estimator.close();
  });

  it("is rough beyond its queue, and counts all that is in it", async () => {
    const estimator = new WorkerEstimator(worker());
    const estimates = await Promise.all(
      Array.from({ length: 300 }, () => estimator.tokens(text, text.length, "gpt-4o")),
    );
    const rough = roughTokens(text, text.length);
    expect(estimates.filter((tokens) => tokens === 10)).toHaveLength(256);
    expect(estimates.filter((tokens) => tokens === rough)).toHaveLength(44);
    estimator.close();
  });

  it("is rough when closed, also for those who wait", async () => {
    const estimator = new WorkerEstimator(worker());
    const waiting = estimator.tokens(text, text.length, "gpt-4o");
    estimator.close();
    expect(await waiting).toBe(roughTokens(text, text.length));
    expect(await estimator.tokens(text, text.length, "gpt-4o")).toBe(roughTokens(text, text.length));
  });

  it("is rough when the worker cannot start, fails, or dies", async () => {
    const broken = [
      worker("missing.js"),
      write("throws.js", 'throw new Error("no")'),
      write(
        "exits.js",
        'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(1));',
      ),
      write(
        "unable.js",
        'import { parentPort } from "node:worker_threads"; parentPort.on("message", ({ id }) => parentPort.postMessage({ id }));',
      ),
    ];
    for (const url of broken) {
      const estimator = new WorkerEstimator(url);
      expect(await estimator.tokens(text, text.length, "gpt-4o")).toBe(roughTokens(text, text.length));
      expect(await estimator.tokens(text, text.length, "gpt-4o")).toBe(roughTokens(text, text.length));
      estimator.close();
    }
  });

  it("starts a worker that had worked again after its death", async () => {
    const mortal = write(
      "mortal.js",
      `import { parentPort } from "node:worker_threads";
      parentPort.on("message", ({ id, text }) => {
        if (text === "die") throw new Error("dead");
        parentPort.postMessage({ id, tokens: 7 });
      });`,
    );
    const estimator = new WorkerEstimator(mortal);
    expect(await estimator.tokens("live", 4, "m")).toBe(7);
    expect(await estimator.tokens("die", 3, "m")).toBe(1);
    expect(await estimator.tokens("live", 4, "m")).toBe(7);
    estimator.close();
  });

  it("finds its worker beside it when compiled, answers before the process ends, and lets it end", async () => {
    write(
      "program.js",
      `import { WorkerEstimator } from "./estimate-thread.js";
      const estimator = new WorkerEstimator();
      console.log(await estimator.tokens(${JSON.stringify(text)}, ${text.length}, "gpt-4o"));`,
    );
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [join(folder, "program.js")], { timeout: 200_000 });
    expect(stdout).toBe("10\n");
  });
});
