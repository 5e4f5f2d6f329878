/** The ways to choose among candidates, by the name that the configuration knows them by. */
import type { strategyNames } from "../../config/defaults.ts";
import { cheapest } from "./cheapest.ts";
import { fastest } from "./fastest.ts";
import { leastBusy } from "./least-busy.ts";
import { priority } from "./priority.ts";
import type { Strategy } from "./strategy.ts";

export type StrategyName = (typeof strategyNames)[number];

export const strategies: Readonly<Record<StrategyName, Strategy>> = {
  cheapest,
  fastest,
  "least-busy": leastBusy,
  priority,
};
