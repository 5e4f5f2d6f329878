/** A way to choose among candidates. Each is one file and its line in index.ts. */
import type { RouteFacts } from "../facts.ts";
import type { RoutingSurroundings } from "../surroundings.ts";
import type { Measure } from "../traffic-view.ts";

/** A model at an upstream. */
export interface Option {
  readonly upstream: string;
  readonly model: string;
}

export interface Asked {
  readonly facts: RouteFacts;
  readonly around: RoutingSurroundings;
  readonly measure: Measure;
  readonly explore: number;
}

export interface Ranking {
  /** Indices of the candidates, the best first. */
  readonly order: readonly number[];
  /** How it was chosen: the strategy's name, or `explore`. */
  readonly reason: string;
}

export interface Strategy {
  rank(candidates: readonly Option[], asked: Asked): Ranking;
  /** What it knows of a candidate, for people. */
  notes(candidate: Option, asked: Asked): readonly string[];
}

/** Indices in the order of a score, the least first; equal ones as they were. */
export function byScore(scores: readonly number[]): number[] {
  return scores.map((_, index) => index).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
}
