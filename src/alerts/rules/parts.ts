/** The expressions that several alerts are made of. */
import type { ErrorType } from "../../core/errors.ts";
import { type Condition, divided, type Expression, type Growth, number, type Where } from "../expression.ts";

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;

export const TIMEOUTS: readonly ErrorType[] = ["timeout_connect", "timeout_first_byte", "timeout_idle"];

/** Calls that were refused before an upstream was chosen have this in its place. */
export const SENT: Where = { upstream: ["!", "none"] };

export function requests(by: readonly string[], windowS: number, where: Where = SENT): Growth {
  return { op: "increase", metric: "bellwether_requests_total", where, by, windowS };
}

export function errors(types: readonly string[], by: readonly string[], windowS: number): Growth {
  const where = { ...SENT, type: types };
  return { op: "increase", metric: "bellwether_errors_total", where, by, windowS };
}

/** The share of calls that failed in one of these ways. */
export function errorShare(types: readonly string[], by: readonly string[], windowS: number): Expression {
  return divided(errors(types, by, windowS), requests(by, windowS));
}

/** Enough calls to judge by: one failure of two is no trend. */
export function enough(by: readonly string[], windowS: number, calls: number): Condition {
  return { left: requests(by, windowS), is: ">=", right: number(calls) };
}

export function above(left: Expression, threshold: number): Condition {
  return { left, is: ">", right: number(threshold) };
}

export function below(left: Expression, threshold: number): Condition {
  return { left, is: "<", right: number(threshold) };
}
