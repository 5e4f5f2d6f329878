/** Regular expressions on prompts, by an engine whose time grows with the text only. It is loaded where a rule needs it. */
import type { RouteConfig } from "../config/schema.ts";
import type { ConditionTools } from "./condition.ts";

/** What conditions of these rules are made with. */
export async function conditionTools(routes: readonly RouteConfig[]): Promise<ConditionTools> {
  if (routes.every(({ when }) => when.prompt === undefined)) {
    return {
      pattern: () => {
        throw new Error("no rule has a pattern");
      },
    };
  }
  const { RE2JS } = await import("re2js");
  return {
    pattern(source) {
      const compiled = RE2JS.compile(source);
      return { test: (text) => compiled.test(text) };
    },
  };
}
