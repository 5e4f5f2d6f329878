/** Runs the scripts on routing and budgets in test/golden/routing; their language is described in README.md there. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runScript } from "../test/helpers/routing-script.ts";

const folder = new URL("../test/golden/routing/", import.meta.url);
const scripts = readdirSync(folder).filter((name) => name.endsWith(".txt"));
let cases = 0;

test.each(scripts)("%s", async (name) => {
  const ran = await runScript(name, readFileSync(new URL(name, folder), "utf8"));
  expect(ran).toBeGreaterThan(0);
  cases += ran;
});

test("there are many of them", () => {
  expect(cases).toBeGreaterThanOrEqual(80);
});

const CONFIG = `config
upstreams: { relay: { baseUrl: "http://127.0.0.1:1/v1", apiKey: key-of-the-relay } }
end
`;

test.each([
  ["request model=gpt-4.1 expect upstream=other", "x:4: expected upstream=other, found upstream=relay"],
  ["request model=gpt-4.1 expect colour=red", "x:4: `colour` cannot be expected"],
  ["request model=gpt-4.1 size=3", "x:4: `size` is no part of a request"],
  ["", ""],
  ["reqest model=gpt-4.1", "x:4: `reqest` is not known"],
  ['request prompt="open', "x:4: cannot be read from"],
  ["wait soon", "x:4: `soon` is not a duration"],
  ["budget app:shop used=80%", "x:4: there is no budget of app:shop"],
  ["config\nnope: 1\nend", "x:4: config:1:1: nope: unknown key"],
  ["config\nupstreams: {}", "x:4: `config` has no `end`"],
])("a mistake is told with its line: %s", async (line, message) => {
  const run = runScript("x", `${CONFIG}${line}\n`);
  if (message === "") await run;
  else await expect(run).rejects.toThrow(message);
});
