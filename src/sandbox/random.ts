/**
 * Randomness by seed: the same seed and the same key give the same numbers, in any process and whatever
 * else runs at the same time. Nothing here is fit for cryptography.
 */

/** FNV-1a (32 bit) over the UTF-16 code units of `text`, begun from `seed`. */
export function hash(seed: number, text: string): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return mix(value);
}

/** Spreads the bits of a 32-bit number over all of it (the finalizer of MurmurHash3). */
export function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A source of numbers that depends on nothing but where it started. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to 2³² − 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }

  /** At least 0, below 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** From the standard normal distribution (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.fraction()));
    return radius * Math.cos(2 * Math.PI * this.fraction());
  }
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

/** `length` letters and digits that depend on `seed` alone, for ids. */
export function idFrom(seed: number, length: number): string {
  let id = "";
  let state = seed;
  while (id.length < length) {
    state = mix(state + 0x9e3779b9);
    let bits = state;
    for (let index = 0; index < 6 && id.length < length; index++) {
      id += ALPHABET.charAt(bits % 36);
      bits = Math.floor(bits / 36);
    }
  }
  return id;
}
