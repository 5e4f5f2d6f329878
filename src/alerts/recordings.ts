/**
 * Recording rules: what dashboards ask again and again, computed once. Names say level, metric and operations
 * (prometheus.io/docs/practices/rules).
 */
import { faultTypes } from "../core/errors.ts";
import { divided, type Expression, type Quantile } from "./expression.ts";
import { DAY, errorShare, HOUR, MINUTE, SENT } from "./rules/parts.ts";

export interface Recording {
  readonly record: string;
  readonly expression: Expression;
}

function rate(metric: string, by: readonly string[]): Expression {
  return { op: "rate", metric, where: SENT, by, windowS: 5 * MINUTE };
}

function quantile(metric: string, q: number): Quantile {
  return { op: "quantile", metric, by: ["upstream", "model"], q, windowS: 5 * MINUTE };
}

const WINDOWS = [
  [5 * MINUTE, "5m"],
  [30 * MINUTE, "30m"],
  [HOUR, "1h"],
  [2 * HOUR, "2h"],
  [6 * HOUR, "6h"],
  [DAY, "1d"],
  [3 * DAY, "3d"],
] as const;

export const recordings: readonly Recording[] = [
  {
    record: "upstream:bellwether_requests:rate5m",
    expression: rate("bellwether_requests_total", ["upstream"]),
  },
  {
    record: "upstream_model:bellwether_requests:rate5m",
    expression: rate("bellwether_requests_total", ["upstream", "model"]),
  },
  { record: "app:bellwether_cost_usd:rate5m", expression: rate("bellwether_cost_usd_total", ["app"]) },
  {
    record: "upstream:bellwether_saving:ratio_rate5m",
    expression: divided(
      rate("bellwether_cost_usd_total", ["upstream"]),
      rate("bellwether_list_cost_usd_total", ["upstream"]),
    ),
  },
  ...([50, 95, 99] as const).flatMap((per) => [
    {
      record: `upstream_model:bellwether_request_duration_seconds:p${per}_rate5m`,
      expression: quantile("bellwether_request_duration_seconds", per / 100),
    },
    {
      record: `upstream_model:bellwether_time_to_first_token_seconds:p${per}_rate5m`,
      expression: quantile("bellwether_time_to_first_token_seconds", per / 100),
    },
  ]),
  ...WINDOWS.map(([windowS, text]) => ({
    record: `all:bellwether_faults:ratio_increase${text}`,
    expression: errorShare(faultTypes, [], windowS),
  })),
  {
    record: "upstream:bellwether_faults:ratio_increase5m",
    expression: errorShare(faultTypes, ["upstream"], 5 * MINUTE),
  },
];
