/** A place that calls are sent to, as it is written in the configuration. */
import type { RouteConfig } from "../config/schema.ts";

/** A model, an upstream, or both; what is not given stays as it is. */
export interface Place {
  readonly model?: string | undefined;
  readonly upstream?: string | undefined;
}

/** `gpt-4.1 at holysheep`. */
export function placeText({ model, upstream }: Place): string {
  if (upstream === undefined) return model ?? "";
  return `${model ?? "the model asked for"} at ${upstream}`;
}

/** The places among which a strategy chooses. */
export function placesOf({ of = [] }: Pick<RouteConfig["use"], "of">): readonly Place[] {
  return of.map((each) => (typeof each === "string" ? { model: each } : each));
}
