/**
 * The meter library in the other runtimes: an app makes the same calls in Node.js, Deno and Bun, with OpenAI's client,
 * with LangChain and without, and what it gets and what is recorded must be equal.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Quantities } from "../../src/core/quantities.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import type { Usage } from "../../src/sdk/index.ts";
import { rowsOf, sums } from "../helpers/page.ts";
import { SuitePackages } from "../helpers/suite-packages.ts";

const root = join(import.meta.dirname, "../..");
const library = pathToFileURL(join(root, "dist/meter.mjs")).href;
const linux = process.platform === "linux";
const deno = `@deno/${process.platform}-${process.arch}${linux ? "-glibc" : ""}`;
const bun = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : "x64-baseline"}`;
const packages = new SuitePackages({
  name: "Deno, Bun and LangChain",
  packages: [`${deno}@2.9.6`, `${bun}@1.4.5`, "@langchain/openai@1.5.0", "@langchain/core@1.4.0"],
  megabytes: 270,
  variable: "BELLWETHER_TEST_RUNTIMES",
});
const installed = (...path: string[]): string => join(packages.home, "node_modules", ...path);

/** A record as it is printed: money is text. */
type Printed = Readonly<Record<keyof Usage, unknown>> & Pick<Usage, "quantities">;

/** What an app printed. */
interface Told {
  /** By call, what the app got. */
  readonly got: Readonly<Record<string, unknown>>;
  readonly records: readonly Printed[];
  /** Of the call that it left. */
  readonly left: readonly Printed[];
  readonly page: string;
}

describe.skipIf(!packages.wanted)("the meter library", () => {
  let folder: string;
  let relay: Sandbox;
  let inNode: Told;
  let reported: Quantities;

  beforeAll(async () => {
    await packages.install();
    folder = mkdtempSync(join(tmpdir(), "bellwether-runtimes-"));
    symlinkSync(installed(), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
    cpSync(join(root, "test/helpers/meter-guest.mjs"), join(folder, "app.mjs"));
    relay = await startSandbox();
    inNode = await run(process.execPath);
    const { inputTokens, outputTokens } = relay.books.total().reported;
    reported = { inputTokens: Number(inputTokens), outputTokens: Number(outputTokens) };
  }, 360_000);

  afterAll(async () => {
    await relay.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(program: string, ...args: string[]): Promise<Told> {
    relay.reset();
    const { stdout } = await promisify(execFile)(
      program,
      [...args, join(folder, "app.mjs"), library, relay.url, SANDBOX_KEY],
      { cwd: folder, maxBuffer: 2 ** 24, env: { PATH: process.env.PATH, NO_COLOR: "1" } },
    );
    return JSON.parse(stdout) as Told;
  }

  it("records in Node.js what the relay reported", () => {
    const sum = (of: (record: Printed) => number | undefined) =>
      inNode.records.reduce((total, record) => total + (of(record) ?? 0), 0);
    expect(reported.inputTokens).toBeGreaterThan(0);
    expect(sum(({ quantities }) => quantities.inputTokens)).toBe(reported.inputTokens);
    expect(sum(({ quantities }) => quantities.outputTokens)).toBe(reported.outputTokens);
    expect(inNode.records.map(({ cost }) => cost)).not.toContain(undefined);
    expect(inNode.left.map(end)).toEqual([["client_gone", 499, "partial"]]);
  });

  it.each([
    { runtime: "Deno", program: installed(deno, "deno"), args: ["run", "--allow-all", "--no-lock"] },
    { runtime: "Bun", program: installed(bun, "bin/bun"), args: [] },
  ])("records the same in $runtime", async ({ program, args }) => {
    const told = await run(program, ...args);
    expect(told.got).toEqual(inNode.got);
    expect(told.records.map(comparable)).toEqual(inNode.records.map(comparable));
    expect(told.left.map(end)).toEqual(inNode.left.map(end));
    for (const name of ["requests", "input_tokens", "output_tokens", "cost_usd", "usage_records"]) {
      const counted = (page: string) => sums(rowsOf(page, `bellwether_${name}_total`), "upstream", "model");
      expect(counted(told.page), name).toEqual(counted(inNode.page));
    }
  });
});

/** All but times and ids; of times, whether they were taken. */
function comparable(record: Printed): object {
  const {
    id: _,
    startedAt: __,
    durationMs: ___,
    overheadMs: ____,
    firstTokenMs,
    firstByteMs,
    sentMs,
    ...rest
  } = record;
  const taken = [firstTokenMs, firstByteMs, sentMs].map((ms) => typeof ms === "number");
  return { ...rest, taken };
}

function end({ errorType, status, source }: Printed): unknown[] {
  return [errorType, status, source];
}
