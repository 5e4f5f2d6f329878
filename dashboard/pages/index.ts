/** The one table of pages. A page is one file with one component, and one line here. */
import type { FunctionComponent } from "preact";
import type { MessageKey } from "../messages/index.tsx";
import type { IconName } from "../shell/icon.tsx";
import type { RangeName } from "../state/range.ts";
import { Alerts } from "./alerts.tsx";
import { Apps } from "./apps.tsx";
import { Budgets } from "./budgets.tsx";
import { Call } from "./call.tsx";
import { Calls } from "./calls.tsx";
import { Costs } from "./costs.tsx";
import { Models } from "./models.tsx";
import { Overview } from "./overview.tsx";
import { Routes } from "./routes.tsx";
import { Settings } from "./settings.tsx";
import { Upstreams } from "./upstreams.tsx";

export interface Page {
  /** In the address. */
  readonly id: string;
  readonly title: MessageKey;
  readonly icon: IconName;
  /** What it shows when no range was chosen; undefined where time does not matter. */
  readonly range?: RangeName;
  /** Reached from others only. */
  readonly hidden?: boolean;
  readonly View: FunctionComponent;
}

export const pages: readonly Page[] = [
  { id: "overview", title: "page.overview", icon: "overview", range: "1h", View: Overview },
  { id: "models", title: "page.models", icon: "models", range: "24h", View: Models },
  { id: "apps", title: "page.apps", icon: "apps", range: "24h", View: Apps },
  { id: "upstreams", title: "page.upstreams", icon: "upstreams", range: "24h", View: Upstreams },
  { id: "costs", title: "page.costs", icon: "costs", range: "month", View: Costs },
  { id: "calls", title: "page.calls", icon: "calls", range: "24h", View: Calls },
  { id: "call", title: "page.call", icon: "calls", hidden: true, View: Call },
  { id: "alerts", title: "page.alerts", icon: "alerts", View: Alerts },
  { id: "budgets", title: "page.budgets", icon: "budgets", View: Budgets },
  { id: "routes", title: "page.routes", icon: "routes", View: Routes },
  { id: "settings", title: "page.settings", icon: "settings", View: Settings },
];
