/** The one table of dashboards. */
import type { DashboardSpec } from "../panels.ts";
import { compare } from "./compare.ts";
import { costs } from "./costs.ts";
import { internals } from "./internals.ts";
import { models } from "./models.ts";
import { overview } from "./overview.ts";
import { upstreams } from "./upstreams.ts";

export const dashboards: readonly DashboardSpec[] = [overview, models, costs, upstreams, internals, compare];
