/**
 * Which upstream serves a call, and under which model name. Pure but for a bounded memory of decisions,
 * which makes a known model one look-up.
 */
import type { DialectName, Family } from "../usage/dialect.ts";

/** What routing needs to know of an upstream. */
export interface Candidate {
  readonly name: string;
  readonly dialects: ReadonlySet<DialectName>;
  /** Glob patterns of the models its vendor makes. */
  readonly owns: readonly string[];
}

/** What is configured of a model. */
export interface ModelRule {
  readonly alias?: string | undefined;
  /** Upstreams that serve it, by name. */
  readonly upstreams?: readonly string[] | undefined;
  /** Models to go on at when none of its upstreams answers. */
  readonly fallback?: readonly string[] | undefined;
}

/** Another place for a call, under another model. */
export interface Alternative<U extends Candidate> {
  readonly upstream: U;
  readonly model: string;
  /** The model whose configured `fallback` it is; a rule's own candidates have none. */
  readonly fallbackOf?: string;
}

export interface PlanRequest {
  /** As the client asked for it, or "" when the request names none. */
  readonly model: string;
  readonly dialect: DialectName;
  readonly family: Family;
}

export interface Plan<U extends Candidate> {
  readonly upstream: U;
  /** What the upstream is asked for: the model after its aliases. */
  readonly model: string;
  /** Further places under other models, the best first: those that a rule had to choose among, or the model's fallback. */
  readonly alternatives?: readonly Alternative<U>[];
  /** The upstreams to ask when that one fails, in order; they speak the same API. */
  readonly fallbacks?: readonly U[];
}

export interface RoutingTable<U extends Candidate> {
  readonly lanes: Map<string, Lane<U>>;
  readonly rules: ReadonlyMap<string, Rule<U>>;
  readonly upstreams: readonly Owner<U>[];
}

/** Decisions for one dialect. */
interface Lane<U extends Candidate> {
  /** The upstreams that speak it, in order of preference. */
  readonly speakers: readonly Owner<U>[];
  /** Decisions made so far; when they are too many, all are forgotten. */
  readonly decisions: Map<string, Plan<U>>;
}

interface Owner<U extends Candidate> {
  readonly upstream: U;
  owns(model: string): boolean;
}

interface Rule<U extends Candidate> {
  readonly model: string;
  readonly upstreams: readonly U[] | undefined;
  /** Models to go on at, in order, those of their own included. */
  readonly fallback: readonly string[];
}

/** Clients may invent names: at most this many are remembered, and none that is longer. */
const MAX_REMEMBERED = 1024;
const MAX_REMEMBERED_LENGTH = 256;

/** Paths that every family has: the upstream that speaks the family's main dialect is preferred for them. */
const sharedDialects: ReadonlySet<DialectName> = new Set(["openai-models", "other"]);
const mainDialect: Readonly<Record<Family, DialectName>> = {
  openai: "openai-chat",
  anthropic: "anthropic-messages",
  gemini: "gemini-generate",
};

/**
 * Prepares routing among `upstreams`, in order of preference. Aliases must end and upstreams exist: the
 * configuration's checks see to it.
 */
export function buildRoutingTable<U extends Candidate>(
  models: Readonly<Record<string, ModelRule>>,
  upstreams: readonly U[],
): RoutingTable<U> {
  const byName = new Map(upstreams.map((upstream) => [upstream.name, upstream]));
  const configured = new Map(Object.entries(models));
  const rules = new Map<string, Rule<U>>();
  for (const name of configured.keys()) {
    let model = name;
    let names: readonly string[] | undefined;
    let fallback: readonly string[] | undefined;
    // The first list on the way from the name asked for holds; each name is passed once at most.
    for (let steps = 0; steps <= configured.size; steps++) {
      const rule = configured.get(model);
      names ??= rule?.upstreams;
      fallback ??= rule?.fallback;
      if (rule?.alias === undefined) break;
      model = rule.alias;
    }
    rules.set(name, {
      model,
      upstreams: names?.map((each) => byName.get(each)).filter((upstream) => upstream !== undefined),
      fallback: chainOf(fallback ?? [], configured),
    });
  }
  return {
    lanes: new Map(),
    rules,
    upstreams: upstreams.map((upstream) => ({ upstream, owns: globMatcher(upstream.owns) })),
  };
}

/** The models of a list, then those that they fall back to themselves, each once. */
function chainOf(list: readonly string[], models: ReadonlyMap<string, ModelRule>): readonly string[] {
  const chain = new Set(list);
  // A set's iteration comes to what is added on the way, too.
  for (const name of chain) for (const next of models.get(name)?.fallback ?? []) chain.add(next);
  return [...chain];
}

/** The upstream and model for a call; undefined when no upstream serves it. */
export function plan<U extends Candidate>(request: PlanRequest, table: RoutingTable<U>): Plan<U> | undefined {
  const lane = laneFor(request, table);
  const { model } = request;
  const known = lane.decisions.get(model);
  if (known !== undefined) return known;
  const decision = decide(request, lane, table);
  if (decision !== undefined && model.length <= MAX_REMEMBERED_LENGTH) {
    if (lane.decisions.size >= MAX_REMEMBERED) lane.decisions.clear();
    lane.decisions.set(model, decision);
  }
  return decision;
}

/** The plan with this upstream and no other; undefined when it does not speak the call's API, or does not exist. */
export function planAt<U extends Candidate>(
  request: PlanRequest,
  name: string,
  table: RoutingTable<U>,
): Plan<U> | undefined {
  const speaker = laneFor(request, table).speakers.find(({ upstream }) => upstream.name === name);
  if (speaker === undefined) return undefined;
  return { upstream: speaker.upstream, model: table.rules.get(request.model)?.model ?? request.model };
}

function laneFor<U extends Candidate>(request: PlanRequest, table: RoutingTable<U>): Lane<U> {
  const { dialect, family } = request;
  const shared = sharedDialects.has(dialect);
  const name = shared ? `${dialect} ${family}` : dialect;
  let lane = table.lanes.get(name);
  if (lane === undefined) {
    const speakers = table.upstreams.filter(({ upstream }) => upstream.dialects.has(dialect));
    const main = mainDialect[family];
    const rank = ({ upstream }: Owner<U>): number => (upstream.dialects.has(main) ? 0 : 1);
    if (shared) speakers.sort((a, b) => rank(a) - rank(b));
    lane = { speakers, decisions: new Map() };
    table.lanes.set(name, lane);
  }
  return lane;
}

function decide<U extends Candidate>(
  request: PlanRequest,
  lane: Lane<U>,
  table: RoutingTable<U>,
): Plan<U> | undefined {
  const own = withoutFallback(request, lane, table);
  const { fallback = [] } = table.rules.get(request.model) ?? {};
  if (own === undefined || fallback.length === 0) return own;
  const alternatives: Alternative<U>[] = [];
  for (const name of fallback) {
    const plan = withoutFallback({ ...request, model: name }, lane, table);
    if (plan === undefined || plan.model === own.model) continue;
    for (const upstream of [plan.upstream, ...(plan.fallbacks ?? [])]) {
      alternatives.push({ upstream, model: plan.model, fallbackOf: request.model });
    }
  }
  return alternatives.length === 0 ? own : { ...own, alternatives };
}

function withoutFallback<U extends Candidate>(
  request: PlanRequest,
  lane: Lane<U>,
  table: RoutingTable<U>,
): Plan<U> | undefined {
  const target = table.rules.get(request.model);
  const model = target?.model ?? request.model;
  if (target?.upstreams === undefined) {
    const upstream = (lane.speakers.find((speaker) => speaker.owns(model)) ?? lane.speakers[0])?.upstream;
    return upstream === undefined ? undefined : { upstream, model };
  }
  const [upstream, ...fallbacks] = target.upstreams.filter(({ dialects }) => dialects.has(request.dialect));
  if (upstream === undefined) return undefined;
  return fallbacks.length === 0 ? { upstream, model } : { upstream, model, fallbacks };
}

/** `*` stands for any text. */
export function globMatcher(globs: readonly string[]): (model: string) => boolean {
  const patterns = globs.map((glob): Pattern => {
    const [start = "", ...middle] = glob.split("*");
    return { start, middle, end: middle.pop() };
  });
  return (model) =>
    model.length <= MAX_REMEMBERED_LENGTH && patterns.some((pattern) => matches(model, pattern));
}

/** A glob, cut at its stars. */
interface Pattern {
  readonly start: string;
  readonly middle: readonly string[];
  /** Undefined when the glob has no star. */
  readonly end: string | undefined;
}

function matches(model: string, { start, middle, end }: Pattern): boolean {
  if (end === undefined) return model === start;
  if (!model.startsWith(start)) return false;
  let at = start.length;
  for (const piece of middle) {
    const found = model.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return model.length - at >= end.length && model.endsWith(end);
}
