/**
 * Alerting in process: evaluates the rules, mutes what is silenced or said already, tells the rest to the channels, and
 * keeps in a file what must survive a restart.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type AlertStatus, Evaluator, type EvaluatorState } from "./alerts/evaluator.ts";
import { inhibitorOf, type Silence, Silences } from "./alerts/mute.ts";
import { alertRules } from "./alerts/resolve.ts";
import type { Config } from "./config/schema.ts";
import { type Alert, nameOf } from "./core/alert.ts";
import type { Clock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";
import { Dispatcher, type DispatcherState } from "./notify/dispatcher.ts";
import type { Notifier } from "./notify/notifier.ts";

export interface AlertingOptions {
  readonly registry: Registry;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where people reach the page; alerts link to it. */
  readonly externalUrl: string;
  /** Absolute path of the state file. */
  readonly statePath: string;
}

/** Something that happened to an alert, for the page's history. */
export interface AlertEvent {
  /** Wall-clock milliseconds. */
  readonly at: number;
  readonly what: "fired" | "resolved";
  readonly alert: Alert;
}

interface State {
  readonly version: 1;
  readonly evaluator: EvaluatorState;
  readonly dispatcher: DispatcherState;
  readonly silences: readonly Silence[];
  readonly events: readonly AlertEvent[];
}

const STATE_VERSION = 1;
const TICK_MS = 1_000;
const SAVE_MS = 60_000;
const MOST_EVENTS = 500;

export class Alerting {
  readonly silences = new Silences();
  readonly #options: AlertingOptions;
  #evaluator: Evaluator;
  #dispatcher: Dispatcher;
  #intervalMs = 15_000;
  #firing: readonly Alert[] = [];
  #events: AlertEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #evaluatedAt = Number.NEGATIVE_INFINITY;
  #savedAt = 0;
  #working: Promise<void> = Promise.resolve();
  #saving: Promise<void> = Promise.resolve();

  constructor(options: AlertingOptions, config: Config) {
    this.#options = options;
    this.#evaluator = this.#evaluatorOf(config);
    this.#dispatcher = this.#dispatcherOf(config);
    this.#intervalMs = config.alerts.interval;
  }

  /** Takes up the state of the process before, and begins. */
  async start(): Promise<void> {
    await this.#restore();
    this.#savedAt = this.#options.clock.monotonic();
    let busy = false;
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.#working = this.#tick().finally(() => {
        busy = false;
      });
    }, TICK_MS);
    this.#timer.unref();
  }

  /** Puts other rules and routes into force; what is known of alerts that still exist is kept. */
  configure(config: Config): void {
    const state = this.#evaluator.state();
    this.#evaluator = this.#evaluatorOf(config);
    this.#evaluator.restore(state);
    const told = this.#dispatcher.state();
    this.#dispatcher = this.#dispatcherOf(config);
    this.#dispatcher.restore(told);
    this.#intervalMs = config.alerts.interval;
  }

  /** Every rule with its alerts, and why those that fire are muted. */
  status(): (AlertStatus & { readonly muted: string | undefined })[] {
    return this.#evaluator.status().map((status) => {
      const alert = this.#firing.find(
        ({ labels }) => status.state === "firing" && sameLabels(labels, status.labels),
      );
      return { ...status, muted: alert === undefined ? undefined : this.#muted(alert) };
    });
  }

  /** The newest first. */
  get events(): readonly AlertEvent[] {
    return [...this.#events].reverse();
  }

  /** Stops evaluating, and writes the state down. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
    await this.#saving;
    if (this.#timer !== undefined) await this.#save();
  }

  async #tick(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      if (clock.monotonic() - this.#evaluatedAt >= this.#intervalMs) {
        this.#evaluatedAt = clock.monotonic();
        this.#take(await this.#evaluator.step());
      }
      this.#dispatcher.tick();
      if (clock.monotonic() - this.#savedAt >= SAVE_MS) {
        this.#savedAt = clock.monotonic();
        this.#saving = this.#save();
      }
    } catch (error) {
      log.error({ err: error }, "alerts could not be evaluated");
    }
  }

  #take(alerts: readonly Alert[]): void {
    const before = new Set(this.#firing.map(({ fingerprint }) => fingerprint));
    this.#firing = alerts.filter(({ status }) => status === "firing");
    const at = this.#options.clock.wall();
    for (const alert of alerts) {
      const fired = alert.status === "firing";
      if (fired && before.has(alert.fingerprint)) continue;
      this.#events.push({ at, what: fired ? "fired" : "resolved", alert });
      const { alertname: _, ...labels } = alert.labels;
      const summary = alert.annotations.summary ?? "";
      this.#options.log[fired ? "warn" : "info"](
        { alert: nameOf(alert), labels, summary },
        fired ? "alert fires" : "alert resolved",
      );
    }
    this.#events.splice(0, this.#events.length - MOST_EVENTS);
    this.#dispatcher.update(alerts);
    this.#count();
  }

  #count(): void {
    const gauge = this.#options.registry.gauge(catalogue.alertFiring);
    const counts = new Map<string, number>();
    for (const { labels } of this.#firing) {
      counts.set(labels.alertname ?? "", (counts.get(labels.alertname ?? "") ?? 0) + 1);
    }
    const rules = new Map(this.#evaluator.status().map(({ rule }) => [rule.name, rule.severity]));
    for (const [name, severity] of rules) gauge.with([name, severity]).set(counts.get(name) ?? 0);
  }

  #muted(alert: Alert): string | undefined {
    const silence = this.silences.of(alert, this.#options.clock.wall());
    if (silence !== undefined) return `silenced: ${silence.comment || silence.id}`;
    const inhibitor = inhibitorOf(alert, this.#firing);
    return inhibitor === undefined ? undefined : `said by ${nameOf(inhibitor)}`;
  }

  #evaluatorOf(config: Config): Evaluator {
    const { registry, clock, externalUrl } = this.#options;
    const rules = alertRules(config).filter(({ prometheusOnly }) => prometheusOnly !== true);
    return new Evaluator({ rules, registry, clock, runbooks: `${externalUrl}/runbooks/` });
  }

  #dispatcherOf({ alerts }: Config): Dispatcher {
    const { notifier, clock, externalUrl } = this.#options;
    return new Dispatcher({
      routes: alerts.sender === "bellwether" ? notifier.routes : [],
      clock,
      externalUrl: `${externalUrl}/#/alerts`,
      muted: (alert) => this.#muted(alert),
      tell: (channel, notification) => void notifier.tell(channel, notification),
    });
  }

  async #restore(): Promise<void> {
    const { statePath, log } = this.#options;
    let text: string;
    try {
      text = await readFile(statePath, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        log.warn({ err: error, statePath }, "the alerts' state cannot be read; they begin anew");
      }
      return;
    }
    try {
      const state = JSON.parse(text) as State;
      if (state.version !== STATE_VERSION) throw new Error(`version ${String(state.version)}`);
      this.#evaluator.restore(state.evaluator);
      this.#dispatcher.restore(state.dispatcher);
      this.silences.restore(state.silences);
      this.#events = [...state.events];
    } catch (error) {
      log.warn({ err: error, statePath }, "the alerts' state is damaged; they begin anew");
      this.#evaluator.restore({ writtenAt: 0, instances: [], tracks: [] });
    }
  }

  /** Writes beside and renames, so that there is always a whole state. */
  async #save(): Promise<void> {
    const { statePath, log, clock } = this.#options;
    const state: State = {
      version: STATE_VERSION,
      evaluator: this.#evaluator.state(),
      dispatcher: this.#dispatcher.state(),
      silences: this.silences.list(clock.wall()),
      events: this.#events,
    };
    const unfinished = `${statePath}.${process.pid}`;
    try {
      await mkdir(dirname(statePath), { recursive: true });
      await writeFile(unfinished, JSON.stringify(state));
      await rename(unfinished, statePath);
    } catch (error) {
      log.warn({ err: error, statePath }, "the alerts' state cannot be written");
    }
  }
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
