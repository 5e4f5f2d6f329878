/**
 * How soon answers begin, by upstream, model and whether they are streamed: what a hedge waits for. Kept of upstreams
 * with a `hedge` only, and of their last five minutes.
 */
import type { Clock } from "../core/clock.ts";
import { RollingWindow } from "../core/rolling-window.ts";
import type { HedgeSettings } from "../upstreams/upstream.ts";

const WINDOW_MS = 300_000;
/** Clients may invent models: of at most so many paces are kept, and the oldest is forgotten for a new one. */
const MOST = 500;
/** A quantile is worked out at most this often: it is for hundreds of calls the same. */
const FRESH_MS = 1_000;

const QUANTILES = { p90: 0.9, p95: 0.95, p99: 0.99 } as const;

interface Place {
  readonly upstream: { readonly name: string };
  readonly model: string;
}

interface Pace {
  readonly window: RollingWindow;
  readonly known: Map<string, { readonly at: number; readonly ms: number; readonly calls: number }>;
}

export class Paces {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #paces = new Map<string, Pace>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** An answer began after `ms`, or an attempt was given up after so long without one. */
  note(place: Place, streaming: boolean, ms: number): void {
    const key = keyOf(place, streaming);
    let pace = this.#paces.get(key);
    if (pace === undefined) {
      if (this.#paces.size >= MOST) {
        const oldest = this.#paces.keys().next().value;
        if (oldest !== undefined) this.#paces.delete(oldest);
      }
      pace = { window: new RollingWindow(WINDOW_MS), known: new Map() };
      this.#paces.set(key, pace);
    }
    pace.window.add(this.#clock.monotonic(), ms, false);
  }

  /** Milliseconds after which a second attempt is worth it; undefined while too few calls are known. */
  patience(place: Place, streaming: boolean, { after, minCalls }: HedgeSettings): number | undefined {
    if (typeof after === "number") return after;
    const pace = this.#paces.get(keyOf(place, streaming));
    if (pace === undefined) return undefined;
    const now = this.#clock.monotonic();
    let known = pace.known.get(after);
    if (known === undefined || now - known.at >= FRESH_MS || known.calls < minCalls) {
      known = { at: now, ...pace.window.quantile(now, QUANTILES[after]) };
      pace.known.set(after, known);
    }
    return known.calls < minCalls ? undefined : known.ms;
  }
}

function keyOf({ upstream, model }: Place, streaming: boolean): string {
  return `${upstream.name}\n${model}\n${streaming ? "stream" : "whole"}`;
}
