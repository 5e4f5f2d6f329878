/**
 * The way out to one channel: a queue of its own, so that no channel waits for another; the vendor's rate; and
 * retries for as long as a night lasts, so that a channel that is down for a while loses nothing.
 */
import type { Alert } from "../core/alert.ts";
import type { Clock } from "../core/clock.ts";
import type { Channel, ChannelIo, Message } from "./channel.ts";
import { PostError } from "./http-post.ts";
import type { Language } from "./messages/index.ts";
import type { Notification } from "./notification.ts";
import { SlidingWindow } from "./rate.ts";
import type { Verdict } from "./verdict.ts";

/** What became of a message, or of an attempt: the `outcome` label. */
export type Outcome = "sent" | "retried" | "failed" | "dropped";

export interface OutboxOptions {
  readonly name: string;
  readonly channel: Channel;
  readonly language: Language;
  readonly io: ChannelIo;
  readonly clock: Clock;
  /** Told of everything that happens; `why` has nothing secret. */
  readonly onOutcome: (outcome: Outcome, why: string) => void;
}

interface Waiting {
  notification: Notification;
  /** When it was first tried; undefined until then. */
  triedAt: number | undefined;
  /** What is still to be sent of it; undefined until it is its turn. */
  messages: Message[] | undefined;
}

/** More notifications than this never wait: the oldest are given up, and counted. */
const MOST_WAITING = 1_000;
/** From so many waiting notifications on they are told as one. */
const COMBINE_FROM = 4;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
const GIVE_UP_MS = 24 * 3_600_000;

export class Outbox {
  readonly name: string;
  readonly #options: OutboxOptions;
  readonly #rate: SlidingWindow;
  readonly #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #closing = false;

  constructor(options: OutboxOptions) {
    this.name = options.name;
    this.#options = options;
    this.#rate = new SlidingWindow(options.channel.rate);
  }

  /** How many notifications wait to be told. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Takes a notification to tell; false when it is the same as one that waits already. */
  tell(notification: Notification): boolean {
    if (this.#queue.some((waiting) => sameNotification(waiting.notification, notification))) return false;
    this.#queue.push({ notification, triedAt: undefined, messages: undefined });
    while (this.#queue.length > MOST_WAITING) {
      // The first may be on its way.
      this.#queue.splice(1, 1);
      this.#options.onOutcome("dropped", `more than ${MOST_WAITING} notifications wait`);
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return true;
  }

  /** Sends one notification now, out of turn and without retries: for a test by hand. */
  async tryOnce(notification: Notification): Promise<Verdict> {
    for (const message of this.#options.channel.messages(notification, this.#options.language)) {
      const verdict = await this.#send(message);
      if (!verdict.arrived) return verdict;
    }
    return { arrived: true };
  }

  /** Tells what waits for at most `graceMs`. True when nothing is left untold. */
  async close(graceMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([this.#running ?? Promise.resolve(), patience]);
    clearTimeout(timer);
    this.#closing = true;
    this.#wake?.();
    this.#options.channel.close?.();
    return this.#queue.length === 0;
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#combine();
      const next = this.#queue[0];
      if (next === undefined || this.#closing) return;
      if (await this.#deliver(next)) this.#queue.splice(this.#queue.indexOf(next), 1);
    }
  }

  /** True when the notification needs nothing more: it has arrived, or never will. */
  async #deliver(next: Waiting): Promise<boolean> {
    const { channel, language, clock, onOutcome } = this.#options;
    next.messages ??= [...channel.messages(next.notification, language)];
    let retryMs = FIRST_RETRY_MS;
    while (next.messages.length > 0) {
      await this.#sleep(this.#rate.waitMs(clock.monotonic()));
      if (this.#closing) return false;
      next.triedAt ??= clock.monotonic();
      const verdict = await this.#send(next.messages[0] as Message);
      if (verdict.arrived) {
        next.messages.shift();
        retryMs = FIRST_RETRY_MS;
        onOutcome("sent", "");
        continue;
      }
      if (!verdict.retry || clock.monotonic() - next.triedAt > GIVE_UP_MS) {
        next.messages.shift();
        onOutcome("failed", verdict.why);
        continue;
      }
      onOutcome("retried", verdict.why);
      await this.#sleep(Math.max(verdict.afterMs ?? 0, jittered(retryMs)));
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      // What has come meanwhile may be told with it, if nothing of it has been told yet.
      if (this.#combine()) return false;
    }
    return true;
  }

  async #send(message: Message): Promise<Verdict> {
    const { channel, io, clock } = this.#options;
    try {
      return await channel.send(message, io);
    } catch (error) {
      const why = error instanceof PostError ? error.message : "the channel failed";
      return { arrived: false, retry: true, why };
    } finally {
      // Counted from its answer: the vendor counts from its arrival, which may be long after it was sent.
      this.#rate.note(clock.monotonic());
    }
  }

  /** Makes one of all waiting notifications when they are many. True when the first one is not as before. */
  #combine(): boolean {
    const [first, ...others] = this.#queue;
    if (!this.#options.channel.combinable || first === undefined) return false;
    if (this.#queue.length < COMBINE_FROM) return false;
    const notification = combined([first, ...others].map((waiting) => waiting.notification));
    this.#queue.splice(0, this.#queue.length, { ...first, notification, messages: undefined });
    return true;
  }

  async #sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#closing) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

/** Half of the time at least, so that the rate of retries stays as meant. */
function jittered(ms: number): number {
  return ms / 2 + Math.random() * (ms / 2);
}

/** One notification of several: each alert once, as it was last. */
function combined(notifications: readonly Notification[]): Notification {
  const alerts = new Map<string, Alert>();
  for (const notification of notifications) {
    for (const alert of notification.alerts) alerts.set(alert.fingerprint, alert);
  }
  return {
    groupKey: "combined",
    groupLabels: {},
    alerts: [...alerts.values()],
    truncated: notifications.reduce((sum, { truncated }) => sum + truncated, 0),
    externalUrl: notifications[0]?.externalUrl ?? "",
  };
}

function sameNotification(a: Notification, b: Notification): boolean {
  return (
    a.groupKey === b.groupKey &&
    a.alerts.length === b.alerts.length &&
    a.alerts.every(({ fingerprint, status }, index) => {
      const other = b.alerts[index];
      return other?.fingerprint === fingerprint && other.status === status;
    })
  );
}
