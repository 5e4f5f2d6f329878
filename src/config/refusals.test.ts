/**
 * Every file in test/golden/config is a configuration that a start refuses; beside it is what its user
 * reads then. Together they are the reference for how problems are worded and placed.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { expectGolden } from "../../test/helpers/golden.ts";
import { PriceBook } from "../prices/book.ts";
import { loadPriceLists } from "../prices/data.ts";
import { checkRoutes } from "../routes.ts";
import { resolveUpstreams } from "../upstreams/resolve.ts";
import { loadConfig } from "./load.ts";
import { ConfigError, formatProblem } from "./problems.ts";
import { checkSafety } from "./safety.ts";

const folder = fileURLToPath(new URL("../../test/golden/config", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

const env = {
  EMPTY: "",
  KEY: "hs-3f9c2ab871d04e65",
  MANY: "many",
  STRUCTURE: "x\n    admin: true",
  HOLYSHEEP_API_KEY: "hs-3f9c2ab871d04e65",
};

/** Values in the files that must not come back in a message. */
const secrets = /5e1f0c9a|4c11|3f9c2ab871d04e65|plain-text-key|secret-token|:password/;

test.each(files)("%s is refused with every problem and its place", async (file) => {
  const text = await refusal(file);
  expect(text).not.toMatch(secrets);
  expectGolden(`test/golden/config/${file.replace(/\.yaml$/, ".expected.txt")}`, text);
});

async function refusal(file: string): Promise<string> {
  try {
    const loaded = await loadConfig({ file, cwd: folder, env });
    checkSafety(loaded);
    const upstreams = resolveUpstreams(loaded.config, env, { locate: loaded.locate });
    const prices = new PriceBook(loadPriceLists([]), upstreams);
    const problems = await checkRoutes(loaded, upstreams, prices);
    if (problems.length > 0) throw new ConfigError(problems);
  } catch (error) {
    if (error instanceof ConfigError) return `${error.problems.map(formatProblem).join("\n")}\n`;
    throw error;
  }
  throw new Error(`${file} is accepted`);
}
