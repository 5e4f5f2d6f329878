/** The kinds of condition. Cheap ones come first, those that read the prompt last: they are asked in this order. */
import type { RouteConfig } from "../../config/schema.ts";
import type { Condition, ConditionTools } from "../condition.ts";
import { headersCondition, nameCondition } from "./names.ts";
import { stateCondition } from "./state.ts";
import { inputTokensCondition, keywordsCondition, languageCondition, promptCondition } from "./text.ts";
import { timeCondition } from "./time-of-day.ts";
import { flagCondition, reasoningCondition } from "./traits.ts";

export type When = RouteConfig["when"];

/** All but `model`, which the router itself looks at: it changes on the way. */
export type ConditionKey = Exclude<keyof When, "model">;

type Kinds = {
  readonly [Key in ConditionKey]: (wanted: NonNullable<When[Key]>, tools: ConditionTools) => Condition;
};

const kinds: Kinds = {
  app: nameCondition("app", ({ call }) => call.app),
  team: nameCondition("team", ({ call }) => call.team),
  endpoint: nameCondition("endpoint", ({ call }) => call.operation.endpoint),
  streaming: flagCondition("streaming", ({ call }) => call.facts.streaming, true),
  time: timeCondition,
  state: stateCondition,
  headers: headersCondition,
  tools: flagCondition("tools", ({ traits }) => traits.tools),
  images: flagCondition("images", ({ traits }) => traits.images),
  json: flagCondition("json", ({ traits }) => traits.json),
  reasoning: reasoningCondition,
  inputTokens: inputTokensCondition,
  language: languageCondition,
  keywords: keywordsCondition,
  prompt: promptCondition,
};

export const conditionKeys = Object.keys(kinds) as readonly ConditionKey[];

/** The conditions of a rule, in the order in which they are asked. @throws Error where a pattern is wrong. */
export function conditionsOf(when: When, tools: ConditionTools): Condition[] {
  return conditionKeys.flatMap((key) => conditionOf(key, when, tools));
}

function conditionOf<Key extends ConditionKey>(key: Key, when: When, tools: ConditionTools): Condition[] {
  const wanted = when[key];
  return wanted === undefined ? [] : [kinds[key](wanted, tools)];
}
