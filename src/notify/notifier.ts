/** All configured channels together: who delivers alerts, wherever they come from. */

import { notifyDefaults } from "../config/defaults.ts";
import type { ChannelConfig, NotifyRoute } from "../config/schema.ts";
import type { Alert } from "../core/alert.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import { channelOf } from "./channels/index.ts";
import { type Post, postJson } from "./http-post.ts";
import { fill, languages } from "./messages/index.ts";
import type { Notification } from "./notification.ts";
import { Outbox, type Outcome } from "./outbox.ts";
import type { Verdict } from "./verdict.ts";

export interface NotifierOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly post?: Post;
}

const OUTCOMES: readonly Outcome[] = ["sent", "retried", "failed", "dropped"];
/** While a replaced channel still has something to tell, it may do so for this long. */
const LEFT_OVER_MS = 60_000;

export class Notifier {
  readonly #options: NotifierOptions;
  #outboxes = new Map<string, { readonly outbox: Outbox; readonly config: ChannelConfig }>();
  #routes: readonly NotifyRoute[] = [];

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  get channels(): readonly string[] {
    return [...this.#outboxes.keys()];
  }

  /** Without routes of the user's, one that tells every channel everything. */
  get routes(): readonly NotifyRoute[] {
    return this.#routes.length > 0 ? this.#routes : [{ ...notifyDefaults, to: [...this.channels] }];
  }

  /** Puts a configuration into force. What waits for a channel that is gone or changed is still sent. */
  configure(channels: Readonly<Record<string, ChannelConfig>>, routes: readonly NotifyRoute[]): void {
    const before = this.#outboxes;
    this.#routes = routes;
    this.#outboxes = new Map(
      Object.entries(channels).map(([name, config]) => {
        const kept = before.get(name);
        if (kept !== undefined && sameConfig(kept.config, config)) {
          before.delete(name);
          return [name, kept];
        }
        return [name, { outbox: this.#outbox(name, config), config }];
      }),
    );
    for (const { outbox } of before.values()) void outbox.close(LEFT_OVER_MS);
  }

  /** Tells a channel something; false when there is no such channel. */
  tell(channel: string, notification: Notification): boolean {
    const found = this.#outboxes.get(channel);
    found?.outbox.tell(notification);
    return found !== undefined;
  }

  /** Sends a test message now; undefined when there is no such channel. */
  async test(channel: string): Promise<Verdict | undefined> {
    const found = this.#outboxes.get(channel);
    return found?.outbox.tryOnce(testNotification(channel, found.config, this.#options.clock.wall()));
  }

  /** Tells what waits for at most `graceMs`. True when nothing is left untold. */
  async close(graceMs: number): Promise<boolean> {
    const outboxes = [...this.#outboxes.values()];
    const clean = await Promise.all(outboxes.map(({ outbox }) => outbox.close(graceMs)));
    return clean.every(Boolean);
  }

  #outbox(name: string, config: ChannelConfig): Outbox {
    const { clock, log, registry, post = postJson } = this.#options;
    const counter = registry.counter(catalogue.notifications);
    // They exist from the start, so that the first failure is seen as an increase.
    for (const outcome of OUTCOMES) counter.with([name, outcome]);
    return new Outbox({
      name,
      channel: channelOf(config, name),
      language: config.language,
      io: { post, now: () => clock.wall() },
      clock,
      onOutcome: (outcome, why) => {
        counter.with([name, outcome]).inc();
        if (outcome === "sent") return;
        const tell = outcome === "retried" ? "warn" : "error";
        log[tell]({ channel: name, outcome, why }, `a notification was ${WHAT[outcome]}`);
      },
    });
  }
}

const WHAT = {
  retried: "not accepted, and is tried again",
  failed: "refused, and is given up",
  dropped: "dropped",
} as const;

/** Secrets are compared too, without being written anywhere. */
function sameConfig(a: ChannelConfig, b: ChannelConfig): boolean {
  return revealed(a) === revealed(b);
}

function revealed(config: ChannelConfig): string {
  return JSON.stringify(config, (key, value: unknown) => {
    const holder = (config as unknown as Record<string, unknown>)[key];
    return typeof holder === "object" && holder !== null && "reveal" in holder
      ? (holder as { reveal(): string }).reveal()
      : value;
  });
}

function testNotification(channel: string, { language }: ChannelConfig, now: number): Notification {
  const alert: Alert = {
    status: "firing",
    labels: { alertname: "bellwether-test", severity: "info" },
    annotations: { summary: fill(languages[language].test, { channel }) },
    startsAt: now,
    endsAt: undefined,
    generatorUrl: "",
    fingerprint: `test-${now}`,
  };
  return {
    groupKey: "test",
    groupLabels: { alertname: "bellwether-test" },
    alerts: [alert],
    truncated: 0,
    externalUrl: "",
  };
}
