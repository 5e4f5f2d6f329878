/** Regular expressions on prompts, by an engine whose time grows with the text only. It is loaded where a rule needs it. */
import type { RouteConfig } from "../config/schema.ts";
import type { Pattern } from "./condition.ts";

/** Makes a pattern. @throws Error saying what is wrong with the expression. */
export type PatternMaker = (source: string) => Pattern;

/** What the patterns of these rules are made with. */
export async function patternMaker(routes: readonly RouteConfig[]): Promise<PatternMaker> {
  if (routes.every(({ when }) => when.prompt === undefined)) {
    return () => {
      throw new Error("no rule has a pattern");
    };
  }
  const { RE2JS } = await import("re2js");
  return (source) => {
    const compiled = RE2JS.compile(source);
    return { test: (text) => compiled.test(text) };
  };
}
