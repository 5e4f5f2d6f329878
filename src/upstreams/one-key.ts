/** An upstream of several keys as it is asked with one of them only: probes have to know which one they try. */
import type { Upstream } from "./upstream.ts";

const variants = new WeakMap<Upstream, readonly Upstream[]>();

/** How many keys it has. */
export function keyCount({ apiKey, apiKeys }: Upstream): number {
  return apiKeys?.length ?? (apiKey === undefined ? 0 : 1);
}

/** One object for each key, because connections belong to it. `position` counts from 1; one that is not there is the first. */
export function withKey(upstream: Upstream, position: number): Upstream {
  const { apiKeys } = upstream;
  if (apiKeys === undefined) return upstream;
  let found = variants.get(upstream);
  if (found === undefined) {
    const { apiKeys: _, ...rest } = upstream;
    found = apiKeys.map((apiKey) => ({ ...rest, apiKey }));
    variants.set(upstream, found);
  }
  return found[position - 1] ?? found[0] ?? upstream;
}
