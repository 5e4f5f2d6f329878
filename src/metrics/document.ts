/** Writes docs/metrics.md from the catalogue and the profiles; its test compares the two. */
import { type Definition, definitions } from "./catalogue.ts";
import { profiles } from "./profiles/index.ts";
import type { Input, LabelRule, Mapping, Profile } from "./profiles/profile.ts";

const INTRODUCTION = `\
<!-- Generated from src/metrics/. Do not edit: \`npm run generate\` writes it. -->

# Metrics

\`GET /metrics\` answers in Prometheus' text format 0.0.4, or in OpenMetrics 1.0.0 where the \`Accept\` header
prefers it. Names follow Prometheus' conventions: base units, \`_total\` on counters, times rather than ages.

- Money is counted in exact integers and written as exact decimals; a model without a price is counted in
  \`bellwether_unpriced_tokens_total\`, never as 0.
- A bucket's bound is written \`le="1.0"\`, not \`le="1"\`, in both formats: one spelling works in every query and with
  every version of Prometheus.
- The values of labels that a client can influence come from a bounded set: a name is a label only if prices, the
  configuration or an upstream's list of models know it, and at most \`metrics.maxModels\` come into use. All others are
  \`other\`, and \`bellwether_label_overflow_total\` counts them.
- The series of requests (statuses 200, 429 and 500) and of errors (every type) exist at 0 before the first such
  call: for what is configured from the start, else from the first call of their model. So the first fault is an
  increase.
- Overlapping amounts are metrics of their own, never label values to be added up: cached input tokens are input
  tokens too.

## Labels

| label | values |
|---|---|
| \`upstream\` | the configured name; \`none\` for a call that was refused before an upstream was chosen |
| \`model\` | the model the upstream was asked for, after aliases; bounded |
| \`endpoint\` | \`chat\`, \`completions\`, \`responses\`, \`embeddings\`, \`images\`, \`audio\`, \`messages\`, \`generate\`, \`models\`, \`other\` |
| \`app\` | the configured name, \`anonymous\`, or \`probe\` for Bellwether's own calls |
| \`status\` | the HTTP status that the client saw; \`499\` when it had gone; \`other\` outside 100 to 599 |
| \`type\` | what went wrong: see errors.md |
| \`source\` | where usage came from: \`reported\` by the upstream, \`estimated\` here, \`partial\` (the answer was cut), \`missing\` |
| \`kind\` | of a price: \`input\`, \`output\`, \`cached_input\` |
| \`probe\` | \`models\`, \`chat\`, \`embeddings\`, \`images\`, \`balance\`, \`tls\`, \`dns\`; their \`model\` is the one that is asked, or empty |
| \`outcome\` | of a probe: \`success\`, a \`type\` as above, \`no_quota\`, \`timeout\`, \`spend_cap\`, \`exception\`; of other metrics as their meaning says |
| \`phase\` | of a probe: \`dns\`, \`connect\`, \`tls\`, \`first_byte\`, \`first_token\`, \`per_token\` |
| \`currency\` | the account's own, never converted |
| \`resource\` | of a rate limit: \`requests\`, \`tokens\` |
| \`reason\` | of a retry: a \`type\` as above; of a rejection: \`rate\`, \`tokens\`, \`concurrency\`, \`budget\`, \`auth\`, \`unpriced\`, \`unavailable\` (the counters are away), \`ledger\` (the journal is full) |
| \`from\`, \`to\` | upstreams: where a call was first, and where it went on |
| \`route\` | the name of the rule that decided, as in the answer's \`x-bellwether-route\` |
| \`scope\`, \`name\`, \`window\` | of a budget: \`app\`, \`team\`, \`model\`, \`upstream\` or \`all\`; which one; and \`per\` |
| \`key\` | the key's place in the configuration, from 1 |
| \`label\`, \`value\` | a configured label of an app; of the overflow: the label whose values were too many |
| \`alert\`, \`severity\`, \`channel\` | as configured, or as in [runbooks](runbooks/README.md) |
| \`state\`, \`change\`, \`policy\` | as their metrics' meaning says |
| \`version\`, \`node\` | the versions of Bellwether and of Node.js |
`;

const PROFILES = `
## Profiles

A profile shows the same counts under names that existing dashboards use. Ask for it with
\`GET /metrics?profile=holysheep\`, several times for several; in Prometheus, \`params: {profile: [holysheep]}\`. Labels
that a profile does not name are summed away, so that \`sum by\`, \`rate\` and vector matching give what they gave.
Histograms are counted from the first observation with the bounds of all profiles together: buckets are exact, never
interpolated.

\`promtool check metrics\` (2.42) is silent on every profile but for one prescribed name, which no type or help text can
make it accept; see the notes.
`;

const PROCESS = `
The default profile also has the usual \`process_…\` and \`nodejs_…\` metrics of Node.js. Those gauges among them that
end in \`_total\` (\`nodejs_active_handles_total\`) are exposed without a type, as checks want it.
`;

/** docs/metrics.md as it should be. */
export function metricsDocument(): string {
  const [own, ...others] = profiles({});
  const shown = definitions.filter(({ hidden }) => hidden !== true);
  return [
    INTRODUCTION,
    "\n## Bellwether's own names\n\n",
    table(["name", "type", "labels", "unit", "meaning"], shown.map(ownRow)),
    PROCESS,
    "\n### Bounds\n\nUpper bounds of buckets, inclusive; `metrics.buckets` in the configuration replaces them.\n\n",
    table(["histogram", "bounds"], (own?.metrics ?? []).flatMap(boundsRow)),
    PROFILES,
    ...others.map(profileSection),
  ].join("");
}

function ownRow({ name, type, unit, labels, help }: Definition): string[] {
  return [code(name), type === "money" ? "counter" : type, codes(labels), unit, help];
}

function profileSection({ name, about, metrics }: Profile): string {
  const notes = metrics.flatMap(({ to, note }) => (note === undefined ? [] : [`- ${code(to)}: ${note}\n`]));
  return [
    `\n### ${name}\n\n${about}\n\n`,
    table(["name", "type", "labels", "from"], metrics.map(mappingRow)),
    "\n",
    ...labelLines(metrics),
    ...notes,
    "\n",
    table(["histogram", "bounds"], metrics.flatMap(boundsRow)),
  ].join("");
}

function mappingRow({ to, type, inputs, scale, combine }: Mapping): string[] {
  const labels = Object.keys(inputs[0]?.labels ?? {});
  const how = `${scale === undefined ? "" : ` × ${scale}`}${combine === "max" ? ", the highest" : ""}`;
  return [code(to), type, codes(labels), inputs.map(origin).join(" and ") + how];
}

/** `bellwether_errors_total{type=~"auth"}`, with a word when that metric is not on Bellwether's own page. */
function origin({ from, where = {} }: Input): string {
  const conditions = Object.entries(where).map(([label, among]) => `${label}=~"${among.join("|")}"`);
  const known = definitions.find(({ name }) => name === from);
  const state =
    known === undefined ? " (absent until it is kept)" : known.hidden ? " (kept for this only)" : "";
  return code(from + (conditions.length === 0 ? "" : `{${conditions.join(",")}}`)) + state;
}

/** One line for each way in which a label comes about that its name does not tell, with the metrics it holds for. */
function labelLines(metrics: readonly Mapping[]): string[] {
  const lines = new Map<string, Set<string>>();
  for (const { to, inputs } of metrics) {
    for (const [label, rule] of inputs.flatMap(({ labels }) => Object.entries(labels))) {
      const text = describe(label, rule);
      if (text !== undefined) lines.set(text, (lines.get(text) ?? new Set()).add(to));
    }
  }
  return [...lines].map(([text, names]) => `- ${text} In ${codes([...names])}.\n`);
}

function describe(label: string, rule: LabelRule): string | undefined {
  if (typeof rule === "string") return rule === label ? undefined : `${code(label)} is ${code(rule)}.`;
  if ("value" in rule) return `${code(label)} is ${code(rule.value)}.`;
  if ("upstream" in rule) {
    return rule.upstream === "provider"
      ? `${code(label)} is the upstream's preset, else its name.`
      : `${code(label)} is the host name of the upstream's base URL.`;
  }
  const byText = new Map<string, string[]>();
  for (const [value, text] of Object.entries(rule.map))
    byText.set(text, [...(byText.get(text) ?? []), value]);
  const cases = [...byText].map(([text, values]) => `${code(text)} (${values.join(", ")})`);
  return `${code(label)} translates ${code(rule.from)}: ${cases.join(", ")}.`;
}

function boundsRow({ to, bounds }: Mapping): string[][] {
  return bounds === undefined ? [] : [[code(to), bounds.join(" ")]];
}

function code(text: string): string {
  return `\`${text}\``;
}

function codes(texts: readonly string[]): string {
  return texts.map(code).join(", ");
}

/** A Markdown table, or nothing when it would be empty. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(heads) + line(heads.map(() => "---")) + rows.map(line).join("");
}
