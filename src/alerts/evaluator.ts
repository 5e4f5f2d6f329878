/**
 * Evaluates the alert rules in this process, with no Prometheus: samples what they look at, and moves each of their
 * alerts from pending to firing to resolved. Its state survives a restart.
 */
import { type Alert, fingerprintOf } from "../core/alert.ts";
import type { Clock } from "../core/clock.ts";
import type { Registry } from "../metrics/registry.ts";
import { holding, type Surroundings } from "./compute.ts";
import type { AlertRule } from "./declaration.ts";
import { type Leaf, leavesOf } from "./expression.ts";
import { Track, trackName, valuesOf } from "./history.ts";
import { annotationsOf } from "./texts.ts";

export interface EvaluatorOptions {
  readonly rules: readonly AlertRule[];
  readonly registry: Registry;
  readonly clock: Clock;
  /** Where runbooks are: the rule's name is added. */
  readonly runbooks: string;
}

/** One alert of a rule, for one group of labels. */
interface Instance {
  readonly labels: Readonly<Record<string, string>>;
  /** Since when the conditions hold, monotonic milliseconds. */
  pendingSince: number;
  /** When they held last. */
  heldAt: number;
  /** Wall-clock milliseconds at which it began to fire; undefined while it is pending. */
  startsAt: number | undefined;
  value: number;
}

/** What is known of an alert now, for people to look at. */
export interface AlertStatus {
  readonly rule: AlertRule;
  readonly state: "inactive" | "pending" | "firing";
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | undefined;
  /** Wall-clock milliseconds. */
  readonly since: number | undefined;
}

/** What survives a restart. Times are milliseconds before the state was written. */
export interface EvaluatorState {
  readonly writtenAt: number;
  readonly instances: readonly {
    readonly rule: string;
    readonly key: string;
    readonly pendingFor: number;
    readonly heldBefore: number;
    readonly startsAt: number | undefined;
    readonly value: number;
  }[];
  readonly tracks: readonly { readonly name: string; readonly past: ReturnType<Track["state"]> }[];
}

const MS = 1000;

export class Evaluator {
  readonly #options: EvaluatorOptions;
  readonly #tracks = new Map<string, Track>();
  readonly #instances = new Map<AlertRule, Map<string, Instance>>();

  constructor(options: EvaluatorOptions) {
    this.#options = options;
    for (const rule of options.rules) {
      this.#instances.set(rule, new Map());
      for (const leaf of leavesOfRule(rule)) {
        const name = trackName(leaf);
        let track = this.#tracks.get(name);
        if (track === undefined) {
          track = new Track(leaf);
          this.#tracks.set(name, track);
        }
        track.need(leaf);
      }
    }
  }

  /**
   * Takes a sample, evaluates every rule, and returns the alerts that fire and those that have just ended. Between
   * tracks it lets other work run: the data plane shares this thread.
   */
  async step(): Promise<Alert[]> {
    const { clock, registry } = this.#options;
    registry.runHooks();
    const at = clock.monotonic() / MS;
    for (const track of this.#tracks.values()) {
      track.sample(registry, at);
      await nextTurn();
    }
    const around: Surroundings = {
      track: (leaf) => this.#tracks.get(trackName(leaf)),
      registry,
      at,
      wallS: clock.wall() / MS,
    };
    const alerts: Alert[] = [];
    for (const [rule, instances] of this.#instances) {
      this.#evaluate(rule, instances, around, alerts);
      await nextTurn();
    }
    return alerts;
  }

  /** Every rule, and its alerts where it has any. */
  status(): AlertStatus[] {
    const { clock } = this.#options;
    return [...this.#instances].flatMap(([rule, instances]): AlertStatus[] => {
      if (instances.size === 0) {
        return [{ rule, state: "inactive", labels: {}, value: undefined, since: undefined }];
      }
      return [...instances.values()].map(({ labels, startsAt, value, pendingSince }) => ({
        rule,
        state: startsAt === undefined ? "pending" : "firing",
        labels,
        value,
        since: startsAt ?? clock.wall() - (clock.monotonic() - pendingSince),
      }));
    });
  }

  state(): EvaluatorState {
    const { clock } = this.#options;
    const now = clock.monotonic();
    return {
      writtenAt: clock.wall(),
      instances: [...this.#instances].flatMap(([{ name }, instances]) =>
        [...instances].map(([key, { pendingSince, heldAt, startsAt, value }]) => ({
          rule: name,
          key,
          pendingFor: now - pendingSince,
          heldBefore: now - heldAt,
          startsAt,
          value,
        })),
      ),
      tracks: [...this.#tracks.values()].map((track) => ({
        name: track.name,
        past: track.state().map(([at, totals]) => [at - now / MS, totals] as const),
      })),
    };
  }

  /** Call it before the first step. What belongs to rules that are no more is forgotten. */
  restore(state: EvaluatorState): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    // A clock that was set back must not bring the past into the future.
    const away = Math.max(0, clock.wall() - state.writtenAt);
    for (const { name, past } of state.tracks) {
      this.#tracks.get(name)?.restore(past.map(([at, totals]) => [at + (now - away) / MS, totals]));
    }
    for (const { rule: name, key, pendingFor, heldBefore, startsAt, value } of state.instances) {
      const found = [...this.#instances].find(([rule]) => rule.name === name);
      if (found === undefined) continue;
      const [rule, instances] = found;
      instances.set(key, {
        labels: labelsOf(rule, key),
        pendingSince: now - away - pendingFor,
        heldAt: now - away - heldBefore,
        startsAt,
        value,
      });
    }
  }

  #evaluate(rule: AlertRule, instances: Map<string, Instance>, around: Surroundings, alerts: Alert[]): void {
    const now = this.#options.clock.monotonic();
    const wall = this.#options.clock.wall();
    const held = holding(rule.conditions, around);
    for (const [key, value] of held) {
      let instance = instances.get(key);
      if (instance === undefined) {
        instance = {
          labels: labelsOf(rule, key),
          pendingSince: now,
          heldAt: now,
          startsAt: undefined,
          value,
        };
        instances.set(key, instance);
      }
      instance.heldAt = now;
      instance.value = value;
      if (now - instance.pendingSince >= rule.forS * MS) instance.startsAt ??= wall;
    }
    for (const [key, instance] of instances) {
      const gone = !held.has(key);
      if (instance.startsAt === undefined) {
        if (gone) instances.delete(key);
        continue;
      }
      const ended = gone && now - instance.heldAt >= rule.keepS * MS;
      alerts.push(this.#alert(rule, instance, ended ? wall : undefined));
      if (ended) instances.delete(key);
    }
  }

  #alert(rule: AlertRule, { labels, startsAt = 0, value }: Instance, endsAt: number | undefined): Alert {
    return {
      status: endsAt === undefined ? "firing" : "resolved",
      labels,
      annotations: annotationsOf(rule, labels, value, this.#options.runbooks),
      startsAt,
      endsAt,
      generatorUrl: "",
      fingerprint: fingerprintOf(labels),
    };
  }
}

function leavesOfRule({ conditions }: AlertRule): Leaf[] {
  return conditions.flatMap(({ left, right }) => [...leavesOf(left), ...leavesOf(right)]);
}

/** The labels that an alert of a rule has besides its name and severity, in the order of the group's values. */
export function groupingOf(rule: AlertRule): readonly string[] {
  return leavesOf(rule.conditions[0]?.left ?? { op: "now" })[0]?.by ?? [];
}

function labelsOf(rule: AlertRule, key: string): Record<string, string> {
  const by = groupingOf(rule);
  const values = valuesOf(key, by);
  const group = by
    .map((name, index) => [name, values[index] ?? ""] as const)
    .filter(([, value]) => value !== "");
  return {
    alertname: rule.name,
    severity: rule.severity,
    family: rule.family,
    ...rule.labels,
    ...Object.fromEntries(group),
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
