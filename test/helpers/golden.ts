/** Files that hold what the code is expected to produce, for a reviewer to read. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/**
 * Compares with a golden file. `UPDATE_GOLDEN=1` writes it instead.
 * @param path relative to the repository's root, e.g. `test/golden/metrics.txt`
 */
export function expectGolden(path: string, actual: string): void {
  expectFile(path, actual, "UPDATE_GOLDEN", "`UPDATE_GOLDEN=1 npm test`");
}

/**
 * Compares with a generated file, e.g. a page of docs/. `UPDATE_DOCS=1` (`npm run generate`) writes it instead.
 * @param path relative to the repository's root
 */
export function expectGenerated(path: string, actual: string): void {
  expectFile(path, actual, "UPDATE_DOCS", "`npm run generate`");
}

function expectFile(path: string, actual: string, update: string, how: string): void {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  if (process.env[update]) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, actual);
    return;
  }
  if (!existsSync(file))
    throw new Error(`${path} does not exist: ${how} writes it. Commit it if it is right.`);
  expect(actual, `${path} differs; if the change is meant, ${how} rewrites the file.`).toBe(
    readFileSync(file, "utf8"),
  );
}
