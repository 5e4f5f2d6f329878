/** The one table of pages. A page is one file with one component, and one line here. */
import type { FunctionComponent } from "preact";
import type { MessageKey } from "../messages/index.tsx";
import type { IconName } from "../shell/icon.tsx";
import type { RangeName } from "../state/range.ts";
import { Overview } from "./overview.tsx";

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
];
