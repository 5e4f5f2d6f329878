import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SpendFile } from "./spend-file.ts";

const kept = { day: 20_000, spent: 1_234_500_000n, last: new Map([["relay chat gpt-4.1", 1n]]) };

let folder: string;
const warnings: string[] = [];
const log = {
  debug: () => {},
  info: () => {},
  error: () => {},
  warn: (_: object, message: string) => void warnings.push(message),
};

beforeEach(async () => {
  warnings.length = 0;
  folder = await mkdtemp(join(tmpdir(), "bellwether-spend-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("keeps money exactly, and leaves nothing unfinished", async () => {
  const file = new SpendFile(join(folder, "data", "spend.json"), log);
  expect(await file.load()).toBeUndefined();
  await file.save(kept);
  expect(await file.load()).toEqual(kept);
  expect(await readdir(join(folder, "data"))).toEqual(["spend.json"]);
  expect(warnings).toEqual([]);
});

it.each(["", "null", "{}", '{"version":1,"day":1,"spentUsd":"much","lastRunUsd":{}}'])(
  "says so when the file is damaged: %s",
  async (text) => {
    const path = join(folder, "spend.json");
    await writeFile(path, text);
    expect(await new SpendFile(path, log).load()).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("cannot be read")]);
  },
);

it("says once that it cannot write", async () => {
  await writeFile(join(folder, "data"), "a file where a folder should be");
  const file = new SpendFile(join(folder, "data", "spend.json"), log);
  await file.save(kept);
  await file.save(kept);
  expect(warnings).toEqual([expect.stringContaining("cannot be kept")]);
});
