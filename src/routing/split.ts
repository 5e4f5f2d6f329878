/**
 * Shares calls out by weight. With a key, calls that have the same one go to the same place, and when weights change
 * only as many move as have to (weighted rendezvous hashing: the place with the least −ln(hash)/weight wins).
 */
import type { RouteFacts } from "./facts.ts";
import { type Place, placeText } from "./place.ts";

export interface Drawn {
  /** Indices of the places, the chosen one first. Places of weight zero are not among them. */
  readonly order: readonly number[];
  /** Decided by the call's key, not by chance. */
  readonly sticky: boolean;
}

export function compileSplit(
  items: readonly (Place & { readonly weight: number })[],
  stickyBy: string | undefined,
): (facts: RouteFacts, random: () => number) => Drawn {
  const places = items
    .map((item, index) => ({ index, weight: item.weight, salt: hash(placeText(item)) }))
    .filter(({ weight }) => weight > 0);
  const key = keyReader(stickyBy);
  return (facts, random) => {
    const mine = key(facts);
    const sticky = mine !== "";
    const seed = sticky ? hash(mine) : Math.floor(random() * 2 ** 32);
    const order = places
      .map(({ index, weight, salt }) => ({ index, score: -Math.log(fraction(mix(seed ^ salt))) / weight }))
      .sort((a, b) => a.score - b.score)
      .map(({ index }) => index);
    return { order, sticky };
  };
}

/** What calls have in common that stay together; "" where this one has nothing to go by. */
function keyReader(stickyBy: string | undefined): (facts: RouteFacts) => string {
  if (stickyBy === undefined) return () => "";
  if (stickyBy === "app") return ({ call }) => call.app;
  if (stickyBy === "user") return ({ traits }) => traits.user;
  const header = stickyBy.slice("header:".length).toLowerCase();
  return (facts) => facts.header(header) ?? "";
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Evenly in (0, 1). */
function fraction(value: number): number {
  return (value + 0.5) / 2 ** 32;
}
