/** The one table of alerts that are there without any configuration. */
import type { AlertTemplate } from "../declaration.ts";
import { availability } from "./availability.ts";
import { bookkeeping } from "./bookkeeping.ts";
import { errorAlerts } from "./errors.ts";
import { keys } from "./keys.ts";
import { latency } from "./latency.ts";
import { money } from "./money.ts";

export const templates: readonly AlertTemplate[] = [
  ...availability,
  ...errorAlerts,
  ...keys,
  ...latency,
  ...money,
  ...bookkeeping,
];
