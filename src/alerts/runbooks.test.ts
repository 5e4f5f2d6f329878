/** docs/runbooks/ is what the declarations generate, with a page for each alert and none besides. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { expectGenerated } from "../../test/helpers/golden.ts";
import { alerts, slo } from "../config/alert-schema.ts";
import type { AlertRule } from "./declaration.ts";
import { alertRules } from "./resolve.ts";
import { templates } from "./rules/index.ts";
import { runbookIndex, runbookText } from "./runbooks.ts";
import { runbookOf } from "./texts.ts";

/** Every alert there can be: the optional ones with thresholds for an example. */
const rules = alertRules({
  alerts: alerts.parse({
    overrides: Object.fromEntries(
      templates.filter(({ off }) => off === true).map(({ name }) => [name, { above: 100 }]),
    ),
  }),
  slo: slo.parse({ objective: 99.9, latency: { quantile: 0.95, below: "2.5s" } }),
});
const pages = new Map<string, AlertRule[]>();
for (const rule of rules) pages.set(runbookOf(rule), [...(pages.get(runbookOf(rule)) ?? []), rule]);

it.each([...pages])("docs/runbooks/%s.md is as declared", (name, of) => {
  expectGenerated(`docs/runbooks/${name}.md`, runbookText(name, of));
});

it("docs/runbooks/README.md lists them all", () => {
  expectGenerated("docs/runbooks/README.md", runbookIndex(rules));
});

it("no page is left of an alert that is gone", () => {
  const files = readdirSync(join(import.meta.dirname, "../../docs/runbooks"));
  expect(files.sort()).toEqual([...[...pages.keys()].map((name) => `${name}.md`), "README.md"].sort());
});

it("every page says what it means, what to look at and what to do", () => {
  for (const { runbook, name } of rules) {
    expect(runbook.means.length, name).toBeGreaterThan(25);
    expect(runbook.look.length, name).toBeGreaterThan(0);
    expect(runbook.act.length, name).toBeGreaterThan(0);
  }
});
