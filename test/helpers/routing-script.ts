/**
 * Runs scripts on routing and budgets (test/golden/routing/*.txt): the real rules, limiter, counters and prices, with
 * a clock and chance that the script sets. The language is described in test/golden/routing/README.md.
 */
import { parseConfig } from "../../src/config/parse.ts";
import { parseDuration } from "../../src/config/units.ts";
import { BellwetherError } from "../../src/core/errors.ts";
import type { Logger } from "../../src/core/log.ts";
import { formatUsd } from "../../src/core/money.ts";
import { admit } from "../../src/gateway/admit.ts";
import type { RequestHead } from "../../src/gateway/request-head.ts";
import { planCall } from "../../src/gateway/route.ts";
import type { Surroundings } from "../../src/gateway/state.ts";
import { BudgetWatch } from "../../src/limits/budget-watch.ts";
import { type Admission, type Downgrade, Limiter } from "../../src/limits/limiter.ts";
import type { BudgetRule } from "../../src/limits/rules.ts";
import { BoundedLabels } from "../../src/metrics/bounded-labels.ts";
import { catalogue } from "../../src/metrics/catalogue.ts";
import { Registry } from "../../src/metrics/registry.ts";
import { costOf } from "../../src/prices/cost.ts";
import { requestOf } from "../../src/route-question.ts";
import { type RoutingLife, withRoutes } from "../../src/routes.ts";
import type { BreakerState } from "../../src/routing/surroundings.ts";
import { TrafficView } from "../../src/routing/traffic-view.ts";
import { buildSettings, type InForce } from "../../src/settings.ts";
import { MemoryCounters } from "../../src/store/drivers/counters-memory.ts";
import type { Call, Usage } from "../../src/usage/usage.ts";

/** A mistake in the script, or something that did not come as expected, with its line. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

interface Line {
  readonly number: number;
  readonly verb: string;
  /** `key=value` words; a word without `=` is `true`. */
  readonly words: ReadonlyMap<string, string>;
  /** What stands after `expect`. */
  readonly expected: ReadonlyMap<string, string>;
}

/** Runs a script; the number of requests that were as expected. @throws ScriptError */
export async function runScript(name: string, text: string): Promise<number> {
  let world: World | undefined;
  let requests = 0;
  for (const part of partsOf(name, text)) {
    try {
      if ("config" in part) world = await World.of(part.config);
      else {
        if (world === undefined) throw new Error("there is no configuration yet; begin with `config`");
        await world.run(part);
        if (part.verb === "request") requests++;
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ScriptError(`${name}:${part.number}: ${why}`, { cause: error });
    }
  }
  return requests;
}

type Part = Line | { readonly number: number; readonly config: string };

function partsOf(name: string, text: string): Part[] {
  const parts: Part[] = [];
  let config: { number: number; lines: string[] } | undefined;
  text.split("\n").forEach((raw, index) => {
    const number = index + 1;
    const line = raw.trim();
    if (config !== undefined) {
      if (line === "end") {
        parts.push({ number: config.number, config: config.lines.join("\n") });
        config = undefined;
      } else config.lines.push(raw);
      return;
    }
    if (line === "" || line.startsWith("#")) return;
    if (line === "config") config = { number, lines: [] };
    else {
      try {
        parts.push(lineOf(number, line));
      } catch (error) {
        throw new ScriptError(`${name}:${number}: ${(error as Error).message}`);
      }
    }
  });
  if (config !== undefined) throw new ScriptError(`${name}:${config.number}: \`config\` has no \`end\``);
  return parts;
}

const WORD = /([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?(?=\s|$)/y;

function lineOf(number: number, line: string): Line {
  const words: [string, string][] = [];
  for (let at = 0; at < line.length; ) {
    if (/\s/.test(line[at] ?? "")) {
      at++;
      continue;
    }
    WORD.lastIndex = at;
    const match = WORD.exec(line);
    if (match === null) throw new Error(`cannot be read from \`${line.slice(at)}\` on`);
    const [, key = "", value] = match;
    words.push([key, value?.startsWith('"') ? (JSON.parse(value) as string) : (value ?? "true")]);
    at = WORD.lastIndex;
  }
  const [[verb] = [""], ...rest] = words;
  const split = rest.findIndex(([key]) => key === "expect");
  return {
    ...{ number, verb },
    words: new Map(split === -1 ? rest : rest.slice(0, split)),
    expected: new Map(split === -1 ? [] : rest.slice(split + 1)),
  };
}

const START = Date.parse("2026-11-16T12:00:00Z");

class World {
  #now = START;
  #monotonic = 0;
  #chance = 0.5;
  #calls = 0;
  readonly #breakers = new Map<string, BreakerState>();
  readonly #warnings: string[] = [];
  readonly #store = new MemoryCounters();
  readonly #open = new Map<string, () => void>();
  readonly #clock = { wall: () => this.#now, monotonic: () => this.#monotonic };
  readonly #view = new TrafficView(this.#clock);
  readonly #watch: BudgetWatch;
  readonly #limiter: Limiter;
  #inForce: InForce | undefined;

  static async of(config: string): Promise<World> {
    const world = new World();
    await world.#configure(config);
    return world;
  }

  constructor() {
    const log = {
      warn: (_: object, message: string) => void this.#warnings.push(message),
    } as unknown as Logger;
    this.#watch = new BudgetWatch(new Registry(), this.#clock, log);
    const { store, clock, watch } = { store: this.#store, clock: this.#clock, watch: this.#watch };
    this.#limiter = new Limiter({
      ...{ store, clock, log, watch },
      onUnavailable: () => {},
      queue: { onWaiting: () => {}, onOver: () => {} },
    });
  }

  async #configure(text: string): Promise<void> {
    const { config, locate } = parseConfig(text, "config", {});
    const overflow = new Registry().counter(catalogue.labelOverflow).with(["model"]);
    const labels = new BoundedLabels(200, overflow);
    const built = buildSettings(
      { config, locate, file: undefined, files: [], warnings: [] },
      { env: {}, labels, fallback: [], warn: () => {} },
    );
    const life: RoutingLife = {
      view: this.#view,
      random: () => this.#chance,
      breaker: (upstream, model) =>
        this.#breakers.get(`${model}@${upstream}`) ?? this.#breakers.get(`@${upstream}`) ?? "closed",
      budgetShare: ({ scope, name }) => this.#watch.share(scope, name),
    };
    this.#inForce = await withRoutes(built, life);
    this.#view.active = true;
    await this.#watch.configure(built.settings.rules?.budgets ?? [], this.#store);
  }

  async run(line: Line): Promise<void> {
    const verb = verbs[line.verb];
    if (verb === undefined)
      throw new Error(`\`${line.verb}\` is not known; known are ${Object.keys(verbs).join(", ")}`);
    await verb(this, line);
  }

  get inForce(): InForce {
    if (this.#inForce === undefined) throw new Error("there is no configuration");
    return this.#inForce;
  }

  setTime(at: number): void {
    this.#now = at;
  }

  wait(ms: number): void {
    const end = this.#monotonic + ms;
    while (this.#monotonic < end) {
      const step = Math.min(1_000, end - this.#monotonic);
      this.#monotonic += step;
      this.#now += step;
      this.#view.tick();
    }
  }

  setChance(chance: number): void {
    this.#chance = chance;
  }

  setBreaker(place: string, state: string): void {
    this.#breakers.set(place.includes("@") ? place : `@${place}`, state as BreakerState);
  }

  /** Fills a budget up to a share. */
  fill(owner: string, share: number): void {
    const [scope, name = "all"] = owner.split(":");
    const rule = this.inForce.settings.rules?.budgets.find(
      (each) => each.scope === scope && each.name === name,
    );
    if (rule === undefined) throw new Error(`there is no budget of ${owner}`);
    const more = Math.round(rule.limit * share) - this.#store.used(rule.calendar.period(this.#now).key);
    if (more < 0) throw new Error(`the budget of ${owner} is fuller than that already`);
    this.#spend(rule, more);
  }

  #spend(rule: BudgetRule, amount: number): void {
    const { key, endsAt } = rule.calendar.period(this.#now);
    const claim = { kind: "budget", key, amount, limit: rule.limit, enforced: false, endsAt } as const;
    const id = `fill-${this.#calls++}`;
    const used = this.#store.settle(id, [claim], [amount], this.#now, this.#now) as (number | undefined)[];
    this.#watch.note(rule, this.#now, used[0] ?? 0);
  }

  /** So many calls that others made there. */
  observe(place: string, calls: number, total: number, first: number | undefined, failed: boolean): void {
    const [model = "", upstream = ""] = place.split("@");
    for (let each = 0; each < calls; each++) {
      const call = {
        id: `seen-${this.#calls++}`,
        upstream,
        modelSent: model,
        modelLabel: model,
        probe: false,
      };
      this.#view.started(call as Call);
      const errorType = failed ? "upstream_5xx" : undefined;
      this.#view.settled({ ...call, durationMs: total, firstTokenMs: first, errorType } as Usage);
    }
  }

  /** So many calls that others have begun there. */
  begin(place: string, calls: number): void {
    const [model = "", upstream = ""] = place.split("@");
    for (let each = 0; each < calls; each++) {
      const call = {
        id: `begun-${this.#calls++}`,
        upstream,
        modelSent: model,
        modelLabel: model,
        probe: false,
      };
      this.#view.started(call as Call);
    }
  }

  takeWarnings(): string[] {
    return this.#warnings.splice(0);
  }

  settle(name: string): void {
    const settle = this.#open.get(name);
    if (settle === undefined) throw new Error(`no call named ${name} is open`);
    this.#open.delete(name);
    settle();
  }

  async request({ words, expected }: Line): Promise<void> {
    const outcome = await this.#call(words);
    for (const [key, value] of expected) {
      if (!(key in outcome))
        throw new Error(`\`${key}\` cannot be expected; what can is ${Object.keys(outcome).join(", ")}`);
      const found = outcome[key as keyof Outcome];
      if (found !== value)
        throw new Error(`expected ${key}=${value}, found ${key}=${found} (${describe(outcome)})`);
    }
  }

  async #call(words: ReadonlyMap<string, string>): Promise<Outcome> {
    const { settings, loaded } = this.inForce;
    const { question, tokens, open } = questionOf(words);
    const { operation, parsed, body, facts, headers } = requestOf(question);
    const app = question.app ?? "anonymous";
    const team = loaded.config.apps.find(({ name }) => name === app)?.team ?? "";
    let route = "default";
    const record = {
      ...{ app, team, startedAt: this.#now },
      routed: (name: string) => {
        route = name || "default";
      },
    };
    const asked = question.model;
    const head = { forward: headers } as unknown as RequestHead;
    const request = { ...{ operation, head, parsed, body, facts, asked }, family: operation.dialect.family };
    // What is reserved goes by the body's length: as long as the tokens given say.
    const sized = tokens === undefined ? request : { ...request, body: Buffer.alloc(tokens.input * 3, "x") };
    const around = { limiter: this.#limiter } as Surroundings;
    const id = `call-${this.#calls++}`;
    let downgrade: Downgrade | undefined;
    try {
      for (;;) {
        const plan = planCall(
          request,
          downgrade?.model ?? asked,
          "/v1/x",
          record,
          settings,
          around,
          downgrade,
        );
        const occasion = downgrade === undefined ? "first" : "downgraded";
        const caller = { id, app, team, startedAt: this.#now, left: false };
        const admission = await admit(caller, sized, plan, occasion, settings, around);
        if (admission?.downgrade !== undefined) {
          admission.release();
          downgrade = admission.downgrade;
          continue;
        }
        const cost = this.#costOf(plan.upstream.name, plan.model, tokens);
        const settle = (): void => this.#settle(admission, plan.upstream.name, tokens, cost);
        if (open === undefined) settle();
        else this.#open.set(open, settle);
        return {
          ...{ route, upstream: plan.upstream.name, model: plan.model, error: "none" },
          cost: cost === undefined ? "unpriced" : formatUsd(cost),
          reason: plan.reason ?? "none",
          next: plan.others.map(({ upstream, model }) => `${model}@${upstream.name}`).join(",") || "none",
        };
      }
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      return {
        route,
        upstream: "none",
        model: "none",
        error: error.code,
        cost: "none",
        reason: "none",
        next: "none",
      };
    }
  }

  #costOf(upstream: string, model: string, tokens: Tokens | undefined): bigint | undefined {
    const entry = this.inForce.settings.prices.price(upstream, model, this.#now);
    const quantities = { inputTokens: tokens?.input ?? 0, outputTokens: tokens?.output ?? 0 };
    return entry && costOf(entry, quantities, { serviceTier: "" });
  }

  #settle(
    admission: Admission | undefined,
    upstream: string,
    tokens: Tokens | undefined,
    cost: bigint | undefined,
  ): void {
    const quantities = { inputTokens: tokens?.input ?? 0, outputTokens: tokens?.output ?? 0 };
    admission?.settle({ quantities, cost, upstream });
  }
}

interface Tokens {
  readonly input: number;
  readonly output: number;
}

type Outcome = Readonly<
  Record<"route" | "upstream" | "model" | "error" | "cost" | "reason" | "next", string>
>;

function describe(outcome: Outcome): string {
  return Object.entries(outcome)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

const FLAGS = ["tools", "images", "json", "streaming"] as const;
const TEXTS = ["model", "prompt", "app", "endpoint", "reasoning", "user"] as const;

function questionOf(words: ReadonlyMap<string, string>) {
  const headers: Record<string, string> = {};
  const question: Record<string, unknown> = { model: "" };
  let tokens: Tokens | undefined;
  let open: string | undefined;
  for (const [key, value] of words) {
    if ((TEXTS as readonly string[]).includes(key)) question[key] = value;
    else if ((FLAGS as readonly string[]).includes(key)) question[key] = true;
    else if (key.startsWith("header.")) headers[key.slice("header.".length)] = value;
    else if (key === "max") question.maxOutputTokens = Number(value);
    else if (key === "open") open = value;
    else if (key === "tokens") {
      const [input = 0, output = 0] = value.split("/").map(Number);
      tokens = { input, output };
      // Four characters are a token.
      question.prompt ??= "abc ".repeat(input);
    } else throw new Error(`\`${key}\` is no part of a request`);
  }
  return { question: { ...question, headers } as unknown as Parameters<typeof requestOf>[0], tokens, open };
}

function amount(words: ReadonlyMap<string, string>, key: string): number {
  const text = words.get(key) ?? "";
  const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : (parseDuration(text) ?? Number(text));
  if (text === "" || Number.isNaN(value))
    throw new Error(`\`${key}\` must be given, as a number, a share or a duration`);
  return value;
}

function owner({ words }: Line): string {
  const [[name] = [""]] = words;
  return name;
}

const verbs: Readonly<Record<string, (world: World, line: Line) => void | Promise<void>>> = {
  at: (world, line) => {
    const at = Date.parse(owner(line));
    if (Number.isNaN(at))
      throw new Error(`\`${owner(line)}\` is not a time; write it as 2026-11-21T12:00:00Z`);
    world.setTime(at);
  },
  wait: (world, line) => {
    const ms = parseDuration(owner(line));
    if (ms === undefined) throw new Error(`\`${owner(line)}\` is not a duration; write it as 90s`);
    world.wait(ms);
  },
  chance: (world, line) => world.setChance(Number(owner(line))),
  breaker: (world, line) => {
    const [place = "", state = ""] = [...line.words.keys()];
    if (!["open", "half-open", "closed"].includes(state))
      throw new Error(`a breaker is open, half-open or closed`);
    world.setBreaker(place, state);
  },
  budget: (world, line) => world.fill(owner(line), amount(line.words, "used")),
  calls: (world, line) => {
    const { words } = line;
    const first = words.has("first") ? amount(words, "first") : undefined;
    world.observe(owner(line), amount(words, "count"), amount(words, "took"), first, words.has("failed"));
  },
  busy: (world, line) => world.begin(owner(line), amount(line.words, "count")),
  warned: (world, line) => {
    const wanted = [...line.words.keys()].join(" ");
    const found = world.takeWarnings();
    const good = wanted === "nothing" ? found.length === 0 : found.some((message) => message === wanted);
    if (!good) throw new Error(`expected the warning \`${wanted}\`, found ${JSON.stringify(found)}`);
  },
  settle: (world, line) => world.settle(owner(line)),
  request: (world, line) => world.request(line),
};
