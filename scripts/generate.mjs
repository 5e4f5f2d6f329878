// @ts-check
/**
 * Rewrites every generated file (`npm run generate`), or with --check fails where one differs.
 *
 * A generated file belongs to a script `scripts/generate-*.mjs`, which knows --check, or to a unit test that
 * compares it by `expectGenerated` or itself, and writes it instead when UPDATE_DOCS is set.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const check = process.argv.includes("--check");

const scripts = readdirSync(join(root, "scripts")).filter((name) => /^generate-.*\.mjs$/.test(name));
const tests = ["src", "test"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => /\bUPDATE_DOCS\b|\bexpectGenerated\b/.test(readFileSync(file, "utf8")))
    .map((file) => relative(root, file)),
);

for (const script of scripts) run([join("scripts", script), ...(check ? ["--check"] : [])]);
if (tests.length > 0) {
  run(["node_modules/vitest/vitest.mjs", "run", ...tests], check ? {} : { UPDATE_DOCS: "1" });
}

/**
 * @param {string[]} command run by this Node.js, in the root
 * @param {Record<string, string>} [env] set besides this process's
 */
function run(command, env = {}) {
  const { status } = spawnSync(process.execPath, command, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exitCode = 1;
}
