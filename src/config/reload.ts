/** Replaces the configuration while running. A bad one is refused, with its problems, and the last good one stays. */
import type { Clock } from "../core/clock.ts";
import type { Loaded } from "./load.ts";
import { ConfigError, type Problem } from "./problems.ts";
import type { Config } from "./schema.ts";

/** Settings that are read at the start only. */
const restartSettings: Readonly<Record<string, (config: Config) => unknown>> = {
  "server.host": ({ server }) => server.host,
  "server.port": ({ server }) => server.port,
  "server.headersLimit": ({ server }) => server.headersLimit,
  "server.requestTimeout": ({ server }) => server.requestTimeout,
  "limits.redis": ({ limits }) => limits.redis?.reveal(),
  ledger: ({ ledger }) => ledger,
  metrics: ({ metrics }) => metrics,
  "log.format": ({ log }) => log.format,
};

/** The settings, by name, that a reload does not change. */
export const restartNames: readonly string[] = Object.keys(restartSettings);

export interface ReloaderOptions {
  /** The configuration in force. */
  readonly initial: Loaded;
  /** Loads it again: from this file, or, when there was none, as at the start. */
  load(file: string | undefined): Promise<Loaded>;
  /**
   * Puts a configuration into force as a whole, or throws and changes nothing (a ConfigError when the
   * configuration is at fault).
   */
  apply(next: Loaded): void | Promise<void>;
  /** Told after each attempt. */
  onResult?(result: ReloadResult): void;
  readonly clock: Pick<Clock, "wall">;
}

export interface ReloadResult {
  readonly reason: string;
  readonly success: boolean;
  /** Why it was refused; empty on success. */
  readonly problems: readonly Problem[];
  /** Settings that differ from those in force but need a restart. */
  readonly restartNeeded: readonly string[];
  readonly warnings: readonly string[];
}

export interface ReloadStatus {
  /** Whether the last attempt succeeded; true from the start. */
  readonly success: boolean;
  /** Wall-clock milliseconds at which the configuration in force was loaded. */
  readonly loadedAt: number;
}

export class Reloader {
  readonly #options: ReloaderOptions;
  /** What the process was started with; restart settings are compared with it. */
  readonly #started: Config;
  #current: Loaded;
  #status: ReloadStatus;
  #running: Promise<ReloadResult> | undefined;
  #next: Promise<ReloadResult> | undefined;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#current = options.initial;
    this.#started = options.initial.config;
    this.#status = { success: true, loadedAt: options.clock.wall() };
  }

  /** The last good configuration. */
  get current(): Loaded {
    return this.#current;
  }

  /** For `bellwether_config_last_reload_success` and `…_timestamp_seconds`. */
  get status(): ReloadStatus {
    return this.#status;
  }

  /**
   * Loads the configuration again, for a reason that the result repeats (`SIGHUP`, `file changed`). One
   * runs at a time; all that are asked for meanwhile are one more. Never rejects.
   */
  reload(reason: string): Promise<ReloadResult> {
    if (this.#running === undefined) {
      this.#running = this.#attempt(reason).finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.reload(reason);
    });
    return this.#next;
  }

  async #attempt(reason: string): Promise<ReloadResult> {
    const { load, apply, clock, onResult } = this.#options;
    let result: ReloadResult;
    try {
      const next = await load(this.#current.file);
      await apply(next);
      this.#current = next;
      this.#status = { success: true, loadedAt: clock.wall() };
      const restartNeeded = changedRestartSettings(this.#started, next.config);
      result = { reason, success: true, problems: [], restartNeeded, warnings: next.warnings };
    } catch (error) {
      this.#status = { ...this.#status, success: false };
      result = { reason, success: false, problems: problemsOf(error), restartNeeded: [], warnings: [] };
    }
    onResult?.(result);
    return result;
  }
}

function changedRestartSettings(before: Config, after: Config): string[] {
  return Object.entries(restartSettings)
    .filter(([, read]) => JSON.stringify(read(before)) !== JSON.stringify(read(after)))
    .map(([name]) => name);
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ConfigError) return error.problems;
  return [{ path: "", message: error instanceof Error ? error.message : String(error) }];
}
