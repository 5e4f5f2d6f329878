/** Conditions on what a request asks for besides text: tools, images, JSON, a stream, reasoning. */
import type { efforts } from "../../config/defaults.ts";
import { type Condition, either, listed } from "../condition.ts";
import type { RouteFacts } from "../facts.ts";

export function flagCondition(
  key: string,
  read: (facts: RouteFacts) => boolean,
  ofKind = false,
): (wanted: boolean) => Condition {
  return (wanted) => ({
    ...{ key, ofKind },
    wants: wanted ? "yes" : "no",
    holds: (facts) => read(facts) === wanted,
    found: (facts) => (read(facts) ? "yes" : "no"),
  });
}

type Effort = (typeof efforts)[number];

/** `none` asks for no reasoning, as a request does that says nothing of it. */
export function reasoningCondition(wanted: boolean | Effort | readonly Effort[]): Condition {
  const found = ({ traits }: RouteFacts): string => traits.effort || "none";
  if (typeof wanted === "boolean") {
    return {
      key: "reasoning",
      wants: wanted ? "any" : "none",
      holds: (facts) => (found(facts) !== "none") === wanted,
      found,
    };
  }
  const efforts = new Set<string>(listed(wanted));
  return {
    key: "reasoning",
    wants: either([...efforts]),
    holds: (facts) => efforts.has(found(facts)),
    found,
  };
}
