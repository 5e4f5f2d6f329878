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
