/**
 * Several keys of one upstream, used in turn. A key that is refused or at its rate limit rests, and the others take its
 * calls; where all rest, the one whose rest ends first is used. Never tells of a key but by its place in the list.
 */
import type { Clock } from "../core/clock.ts";
import type { Upstream } from "./upstream.ts";

export interface KeyRest {
  readonly upstream: string;
  /** Of the key in the configuration's list, counted from 1. */
  readonly position: number;
  readonly of: number;
  readonly status: number;
  readonly ms: number;
}

interface Resting {
  /** Monotonic milliseconds. */
  until: number;
  /** How often it was refused without a success between. */
  times: number;
}

/** A key that is refused is probably wrong for good; somebody may put it right all the same. */
const REFUSED_MS = 5 * 60_000;
const LONGEST_REFUSED_MS = 60 * 60_000;
const LIMITED_MS = 10_000;
const LONGEST_LIMITED_MS = 5 * 60_000;

export class KeyRings {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #onRest: (rest: KeyRest) => void;
  /** By upstream and key; a reload finds the keys that stayed as they were. */
  readonly #resting = new Map<string, Resting>();
  readonly #turns = new Map<string, number>();

  constructor(clock: Pick<Clock, "monotonic">, onRest: (rest: KeyRest) => void) {
    this.#clock = clock;
    this.#onRest = onRest;
  }

  /** The key for the next call; undefined when the upstream has none. */
  next({ name, apiKey, apiKeys }: Upstream): string | undefined {
    if (apiKeys === undefined) return apiKey;
    const turn = (this.#turns.get(name) ?? -1) + 1;
    const now = this.#clock.monotonic();
    let best: string | undefined;
    let bestAt = Number.POSITIVE_INFINITY;
    for (let step = 0; step < apiKeys.length; step++) {
      const at = (turn + step) % apiKeys.length;
      const key = apiKeys[at] as string;
      const until = this.#resting.get(idOf(name, key))?.until ?? Number.NEGATIVE_INFINITY;
      if (until <= now) {
        this.#turns.set(name, at);
        return key;
      }
      if (until < bestAt) [best, bestAt] = [key, until];
    }
    return best;
  }

  /**
   * What an answer's status says of the key it was asked with. True when the key has to rest and another one is awake.
   * `retryAfterMs` is what the answer asks for.
   */
  answered(upstream: Upstream, key: string | undefined, status: number, retryAfterMs?: number): boolean {
    const { name, apiKeys } = upstream;
    if (apiKeys === undefined || key === undefined) return false;
    const id = idOf(name, key);
    const refused = status === 401 || status === 403;
    if (!refused && status !== 429) {
      if (status < 400) this.#resting.delete(id);
      return false;
    }
    const times = (this.#resting.get(id)?.times ?? 0) + 1;
    const ms = refused
      ? Math.min(LONGEST_REFUSED_MS, REFUSED_MS * 2 ** (times - 1))
      : Math.min(LONGEST_LIMITED_MS, retryAfterMs ?? LIMITED_MS);
    const now = this.#clock.monotonic();
    this.#resting.set(id, { until: now + ms, times });
    this.#onRest({ upstream: name, position: apiKeys.indexOf(key) + 1, of: apiKeys.length, status, ms });
    return apiKeys.some((other) => (this.#resting.get(idOf(name, other))?.until ?? 0) <= now);
  }

  /** Forgets the keys of upstreams that do not have them any more. */
  retain(upstreams: readonly Upstream[]): void {
    const kept = new Set(
      upstreams.flatMap(({ name, apiKeys = [] }) => apiKeys.map((key) => idOf(name, key))),
    );
    for (const id of this.#resting.keys()) if (!kept.has(id)) this.#resting.delete(id);
  }
}

function idOf(upstream: string, key: string): string {
  return `${upstream}\n${key}`;
}
