/** What checks of routing rules know besides the configuration. */
import type { Locate } from "../config/problems.ts";
import type { PatternMaker } from "./patterns.ts";

/** What the checks need to know besides the configuration. */
export interface RoutingKnowledge {
  /** Names of the upstreams in force. */
  readonly upstreams: readonly string[];
  /** Whether somebody is known to serve a model: it has a price, is configured, or an upstream's vendor makes it. */
  isKnownModel(model: string): boolean;
  /** For suggestions. */
  knownModels(): Iterable<string>;
  isPriced(upstream: string, model: string): boolean;
  /** Names of the upstreams that calls for a model are sent to. */
  upstreamsOf(model: string): readonly string[];
  readonly pattern: PatternMaker;
  readonly locate?: Locate | undefined;
}
