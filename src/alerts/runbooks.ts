/** Runbooks: one page for each alert, made of what its declaration says. docs/runbooks/ holds the same pages. */
import type { Config } from "../config/schema.ts";
import { formatDuration } from "../config/units.ts";
import type { AlertRule } from "./declaration.ts";
import { promqlCondition } from "./promql.ts";
import { alertRules } from "./resolve.ts";
import { templates } from "./rules/index.ts";
import { runbookOf } from "./texts.ts";

/** The page of that name, as Markdown, for the rules in force; undefined when no rule has it. */
export function runbookPage(name: string, config: Pick<Config, "alerts" | "slo">): string | undefined {
  const rules = alertRules(config).filter((rule) => runbookOf(rule) === name);
  return rules.length === 0 ? undefined : runbookText(name, rules);
}

/** Where every alert is listed, with links to the pages beside it. */
export function runbookIndex(rules: readonly AlertRule[]): string {
  return [
    "# The alerts",
    "",
    "Each with its severity, how long it must hold before it fires, and what it says. All are there without any",
    "configuration, but for those marked *: they need a threshold (`alerts.overrides`) or an objective (`slo`).",
    "[docs/alerts.md](../alerts.md) says how to change them and who is told. What is in braces is filled in.",
    "",
    "| alert | severity | for | |",
    "|---|---|---|---|",
    ...rules.map((rule) => {
      const optional = rule.family.startsWith("slo-") || NEED_THRESHOLD.has(rule.name) ? " *" : "";
      const wait = rule.forS === 0 ? "at once" : formatDuration(rule.forS * MS);
      return `| [${rule.name}](${runbookOf(rule)}.md)${optional} | ${rule.severity} | ${wait} | ${rule.summary.en} |`;
    }),
    "",
  ].join("\n");
}

const MS = 1000;
const NEED_THRESHOLD = new Set(templates.filter(({ off }) => off === true).map(({ name }) => name));

export function runbookText(name: string, rules: readonly AlertRule[]): string {
  const [first] = rules;
  if (first === undefined) return "";
  const { runbook, summary, description } = first;
  const list = (title: string, items: readonly string[]): string[] =>
    items.length === 0 ? [] : [`## ${title}`, "", ...items.map((item) => `- ${item}`), ""];
  return [
    `# ${name}`,
    "",
    `> ${summary.en}`,
    "",
    description.en,
    "",
    "## What it means",
    "",
    ...[...new Set(rules.map(({ runbook: { means } }) => means))].flatMap((means) => [means, ""]),
    ...list("What to look at", runbook.look),
    ...list("What to do", [...new Set(rules.flatMap((rule) => rule.runbook.act))]),
    "## What is evaluated",
    "",
    ...rules.flatMap((rule) => [
      `${rule.name}, ${rule.severity}${rule.forS > 0 ? `, for ${formatDuration(rule.forS * MS)}` : ""}:`,
      "",
      "```promql",
      promqlCondition(rule.conditions),
      "```",
      "",
    ]),
  ].join("\n");
}
