/** Conditions on names: of apps, teams, endpoints, and what headers hold. */
import { type Condition, either, listed } from "../condition.ts";
import type { RouteFacts } from "../facts.ts";
import { globMatcher } from "../plan.ts";

type Names = string | readonly string[];

/** Whether a name is one of these; `*` in them stands for any text. */
export function nameMatcher(names: Names): (name: string) => boolean {
  const exact = new Set(listed(names));
  const [only] = exact;
  // Half the price of a set, and most rules name one.
  if (exact.size === 1 && only?.includes("*") === false) return (name) => name === only;
  const patterns = [...exact].filter((each) => each.includes("*"));
  if (patterns.length === 0) return (name) => exact.has(name);
  const matches = globMatcher(patterns);
  return (name) => exact.has(name) || matches(name);
}

/** A condition on one of the names that make a call's kind. */
export function nameCondition(key: string, read: (facts: RouteFacts) => string): (names: Names) => Condition {
  return (names) => {
    const matches = nameMatcher(names);
    return {
      key,
      ofKind: true,
      wants: either(listed(names)),
      holds: (facts) => matches(read(facts)),
      found: (facts) => read(facts) || "none",
    };
  };
}

/** All headers must hold what is wanted of them. */
export function headersCondition(wanted: Readonly<Record<string, Names>>): Condition {
  const headers = Object.entries(wanted).map(([name, values]) => ({
    ...{ name, lower: name.toLowerCase(), values },
    matches: nameMatcher(values),
  }));
  const holds = (facts: RouteFacts, { lower, matches }: (typeof headers)[number]): boolean => {
    const value = facts.header(lower);
    return value !== undefined && matches(value);
  };
  return {
    key: "headers",
    wants: headers.map(({ name, values }) => `${name}: ${either(listed(values))}`).join(" and "),
    holds: (facts) => headers.every((header) => holds(facts, header)),
    found: (facts) => {
      const missing = headers.filter((header) => !holds(facts, header));
      if (missing.length === 0) return "as wanted";
      return missing
        .map(({ name, lower }) => `${name} is ${facts.header(lower) === undefined ? "not sent" : "another"}`)
        .join(", ");
    },
  };
}
