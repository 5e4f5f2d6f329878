/** The default profile: the catalogue's own names, labels and bounds. */
import { type Definition, definitions } from "../catalogue.ts";
import type { Mapping, Profile } from "./profile.ts";

/** Bucket bounds by metric name, where the configuration has its own. */
export type Buckets = Readonly<Record<string, readonly number[]>>;

export function bellwether(buckets: Buckets): Profile {
  return {
    name: "bellwether",
    about: "Bellwether's own names; the default.",
    process: true,
    metrics: definitions.filter(({ hidden }) => hidden !== true).map((metric) => asKept(metric, buckets)),
  };
}

function asKept(definition: Definition, buckets: Buckets): Mapping {
  const { name, type, help, labels } = definition;
  const bounds = buckets[name] ?? definition.bounds;
  return {
    to: name,
    type: type === "money" ? "counter" : type,
    help,
    inputs: [{ from: name, labels: Object.fromEntries(labels.map((label) => [label, label])) }],
    ...(bounds === undefined ? {} : { bounds }),
  };
}
