/**
 * Decides when a group of alerts is told, as Alertmanager does: the first alert waits for others (`groupWait`), news
 * of a group come at most every `groupInterval`, and what still fires is told again after `repeatEvery`. What it
 * has told is its state, which survives a restart.
 */
import type { NotifyRoute } from "../config/schema.ts";
import type { Alert } from "../core/alert.ts";
import type { Clock } from "../core/clock.ts";
import type { Notification } from "./notification.ts";
import { groupLabelsOf, routesOf } from "./route-match.ts";

export interface DispatcherOptions {
  readonly routes: readonly NotifyRoute[];
  readonly clock: Clock;
  /** Where alerts can be looked at, or "". */
  readonly externalUrl: string;
  /** Why an alert is not to be told now (a silence, a worse alert), or undefined. */
  muted(alert: Alert): string | undefined;
  tell(channel: string, notification: Notification): void;
}

interface Group {
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly route: NotifyRoute;
  readonly alerts: Map<string, Alert>;
  /** Fingerprints that were told as firing. */
  readonly told: Set<string>;
  /** Wall-clock milliseconds; undefined before the first message. */
  toldAt: number | undefined;
  /** Wall-clock milliseconds at which it is looked at next. */
  dueAt: number;
}

/** What survives a restart. */
export interface DispatcherState {
  readonly groups: readonly {
    readonly key: string;
    readonly told: readonly string[];
    readonly toldAt: number | undefined;
    /** Those that were told as firing: what has ended while nobody looked is told as ended. */
    readonly alerts: readonly Alert[];
  }[];
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #groups = new Map<string, Group>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Takes alerts as they are now; a resolved one is remembered until its end has been told. */
  update(alerts: readonly Alert[]): void {
    const now = this.#options.clock.wall();
    for (const alert of alerts) {
      for (const index of routesOf(alert, this.#options.routes)) this.#place(alert, index, now);
    }
  }

  /** Tells what is due. Call it about once a second; it does nothing when nothing is due. */
  tick(): void {
    const now = this.#options.clock.wall();
    for (const group of this.#groups.values()) {
      // A clock that was set back would keep a group waiting for as long.
      const longest = now + group.route.groupInterval;
      if (group.dueAt > longest) group.dueAt = longest;
      if (group.dueAt <= now) this.#look(group, now);
    }
  }

  state(): DispatcherState {
    return {
      groups: [...this.#groups.values()].map(({ key, told, toldAt, alerts }) => ({
        key,
        told: [...told],
        toldAt,
        alerts: [...alerts.values()].filter(({ fingerprint }) => told.has(fingerprint)),
      })),
    };
  }

  /** Call it before the first `update`. Groups of routes that are no more are forgotten. */
  restore(state: DispatcherState): void {
    const now = this.#options.clock.wall();
    for (const { key, told, toldAt, alerts } of state.groups) {
      for (const alert of alerts) {
        for (const index of routesOf(alert, this.#options.routes)) this.#place(alert, index, now);
      }
      const group = this.#groups.get(key);
      if (group === undefined) continue;
      for (const fingerprint of told) group.told.add(fingerprint);
      group.toldAt = toldAt === undefined ? undefined : Math.min(toldAt, now);
    }
  }

  #place(alert: Alert, index: number, now: number): void {
    const route = this.#options.routes[index] as NotifyRoute;
    const labels = groupLabelsOf(alert, route.groupBy);
    const key = `${index}:${JSON.stringify(labels)}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      // What ended before anybody was told of it is no news.
      if (alert.status === "resolved") return;
      group = {
        key,
        labels,
        route,
        alerts: new Map(),
        told: new Set(),
        toldAt: undefined,
        dueAt: now + route.groupWait,
      };
      this.#groups.set(key, group);
    }
    group.alerts.set(alert.fingerprint, alert);
  }

  #look(group: Group, now: number): void {
    const { route, told } = group;
    const firing: Alert[] = [];
    const ended: Alert[] = [];
    for (const [fingerprint, alert] of group.alerts) {
      if (alert.status === "resolved") {
        if (told.has(fingerprint)) ended.push(alert);
        group.alerts.delete(fingerprint);
      } else if (this.#options.muted(alert) === undefined) firing.push(alert);
    }
    const news = ended.length > 0 || firing.some(({ fingerprint }) => !told.has(fingerprint));
    const again = firing.length > 0 && now - (group.toldAt ?? now) >= route.repeatEvery;
    if (news || again) {
      for (const { fingerprint } of ended) told.delete(fingerprint);
      for (const { fingerprint } of firing) told.add(fingerprint);
      group.toldAt = now;
      const notification: Notification = {
        groupKey: group.key,
        groupLabels: group.labels,
        alerts: [...firing, ...ended],
        truncated: 0,
        externalUrl: this.#options.externalUrl,
      };
      for (const channel of route.to) this.#options.tell(channel, notification);
    }
    if (group.alerts.size === 0) this.#groups.delete(group.key);
    else group.dueAt = now + route.groupInterval;
  }
}
