/**
 * Labels of apps as something to group by. A call knows its app, the configuration in force knows what labels that has: a
 * label that is given or changed today counts for all calls of the app, also those of before.
 */

/** An app of the configuration, as far as reports look at it. */
export interface LabelledApp {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A label to group by. Plain data: it goes to the ledger's process. */
export interface AppLabel {
  readonly label: string;
  /** Who has which value; all other apps, and calls without an app, are grouped under "". */
  readonly values: readonly { readonly value: string; readonly apps: readonly string[] }[];
}

/** As somebody writes it to group by it: `label:env`. */
export function labelDimension(label: string): string {
  return `label:${label}`;
}

/** The labels that apps have. */
export function labelsOf(apps: readonly LabelledApp[]): string[] {
  return [...new Set(apps.flatMap(({ labels = {} }) => Object.keys(labels)))].sort();
}

export function appLabel(label: string, apps: readonly LabelledApp[]): AppLabel {
  const byValue = new Map<string, string[]>();
  for (const { name, labels = {} } of apps) {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
    if (value === undefined) continue;
    const having = byValue.get(value) ?? [];
    byValue.set(value, having);
    having.push(name);
  }
  return { label, values: [...byValue].map(([value, having]) => ({ value, apps: having })) };
}

/** SQL of the label's value of a call; `param` adds a text to the statement's parameters and returns its place. */
export function labelSql({ values }: AppLabel, param: (text: string) => string): string {
  if (values.length === 0) return "''";
  const cases = values.map(({ value, apps }) => {
    return `WHEN app IN (${apps.map(param).join(", ")}) THEN ${param(value)}`;
  });
  return `CASE ${cases.join(" ")} ELSE '' END`;
}
