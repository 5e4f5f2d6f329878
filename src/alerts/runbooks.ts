/** Runbooks: one page for each alert, made of what its declaration says. docs/runbooks/ holds the same pages. */
import type { Config } from "../config/schema.ts";
import type { AlertRule } from "./declaration.ts";
import { promqlCondition } from "./promql.ts";
import { alertRules } from "./resolve.ts";
import { runbookOf } from "./texts.ts";

/** The page of that name, as Markdown, for the rules in force; undefined when no rule has it. */
export function runbookPage(name: string, config: Pick<Config, "alerts" | "slo">): string | undefined {
  const rules = alertRules(config).filter((rule) => runbookOf(rule) === name);
  return rules.length === 0 ? undefined : runbookText(name, rules);
}

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
      `${rule.name}, ${rule.severity}${rule.forS > 0 ? `, for ${rule.forS} s` : ""}:`,
      "",
      "```promql",
      promqlCondition(rule.conditions),
      "```",
      "",
    ]),
  ].join("\n");
}
