/** What calls are put together by on the page. */
import type { MessageKey } from "../messages/index.tsx";

export type Grouping = "model" | "app" | "team" | "upstream" | "endpoint";

/** The heading of a table grouped so. */
export const BY: Readonly<Record<Grouping, MessageKey>> = {
  model: "table.byModel",
  app: "table.byApp",
  team: "table.byTeam",
  upstream: "table.byUpstream",
  endpoint: "table.byEndpoint",
};
