/** docs/metrics.md must be what the catalogue says. */
import { expect, test } from "vitest";
import { expectGenerated } from "../../test/helpers/golden.ts";
import { definitions } from "./catalogue.ts";
import { metricsDocument } from "./document.ts";

test("docs/metrics.md equals the catalogue", () => {
  expectGenerated("docs/metrics.md", metricsDocument());
});

test("every metric that is shown has a row of its own", () => {
  for (const { name, hidden } of definitions) {
    expect(metricsDocument().includes(`\n| \`${name}\` |`), name).toBe(hidden !== true);
  }
});

test("every label of a metric has a place in the table of labels", () => {
  const [, table = ""] = metricsDocument().split("\n## ");
  const told = new Set(
    [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => cell?.match(/\w+/g) ?? []),
  );
  const shown = definitions.filter(({ hidden }) => hidden !== true);
  expect(shown.flatMap(({ labels }) => labels).filter((label) => !told.has(label))).toEqual([]);
});
