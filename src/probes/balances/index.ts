/** The table of balance pollers: adding one is a file here, its line, and its name in config/defaults.ts. */
import type { BalancePoller } from "../../upstreams/upstream.ts";
import { billing } from "./billing.ts";
import { custom } from "./custom.ts";
import { deepseek } from "./deepseek.ts";
import { moonshot } from "./moonshot.ts";
import { newApi } from "./new-api.ts";
import { oneApi } from "./one-api.ts";
import { openaiCosts } from "./openai-costs.ts";
import { openrouter } from "./openrouter.ts";
import type { Poller } from "./poller.ts";
import { siliconflow } from "./siliconflow.ts";

/** Milliseconds between two readings where accounts limit them: one-api's and new-api's relays take one in two minutes. */
export const leastIntervals: Readonly<Partial<Record<BalancePoller, number>>> = {
  "one-api": 120_000,
  "new-api": 120_000,
};

export const pollers: Readonly<Record<BalancePoller, Poller>> = {
  billing,
  "one-api": oneApi,
  "new-api": newApi,
  openrouter,
  deepseek,
  siliconflow,
  moonshot,
  "openai-costs": openaiCosts,
  custom,
};
