/** What calls are put together by on the page. */
import type { AppsAnswer } from "../../src/http/api.ts";
import type { MessageKey, Translate } from "../messages/index.tsx";

export type Grouping = "model" | "app" | "team" | "upstream" | "endpoint";

/** The heading of a table grouped so. */
export const BY: Readonly<Record<Grouping, MessageKey>> = {
  model: "table.byModel",
  app: "table.byApp",
  team: "table.byTeam",
  upstream: "table.byUpstream",
  endpoint: "table.byEndpoint",
};

/** A label of apps, as reports name it. */
export type LabelGrouping = `label:${string}`;

export function isLabel(by: string | undefined): by is LabelGrouping {
  return by?.startsWith("label:") === true;
}

/** The labels that configured apps have. */
export function labelGroupings(answer: AppsAnswer | undefined): LabelGrouping[] {
  const labels = (answer?.apps ?? []).flatMap((app) => Object.keys(app.labels));
  return [...new Set(labels)].sort().map((label): LabelGrouping => `label:${label}`);
}

/** The heading of a table grouped so. */
export function titleOf(by: Grouping | LabelGrouping, t: Translate): string {
  return isLabel(by) ? t("table.byLabel", { label: by.slice("label:".length) }) : t(BY[by]);
}
