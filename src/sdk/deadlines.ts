/**
 * The time limits of one call, and the one signal that `fetch` is given: it is aborted by the app, or by a
 * limit. Without limits it is the app's own signal, and nothing is spent here.
 *
 * An app that was kept from running, as one that is suspended between calls, finds the limit passed and the answer
 * there at once when it goes on. So a limit strikes only when what had arrived by then has been read.
 */
import { BellwetherError, type ErrorCode } from "../core/errors.ts";
import { afterConnecting } from "./connecting.ts";
import type { TimeoutOptions } from "./options.ts";

/** Runs `act` when what has arrived has been read; where the platform has no such moment, a moment later. */
function afterReading(act: () => void): void {
  if (globalThis.setImmediate === undefined) setTimeout(act, 1);
  else setImmediate(act);
}

export class Deadlines {
  /** The limit that was passed, once one was. */
  expired: BellwetherError | undefined;
  /** Is called when a limit passes while nobody waits for `fetch` or for the body. */
  onExpired: (() => void) | undefined;
  readonly #limits: TimeoutOptions | undefined;
  readonly #app: AbortSignal | undefined;
  #upstream = "";
  #attempt: AbortController | undefined;
  #phase: ReturnType<typeof setTimeout> | undefined;
  #total: ReturnType<typeof setTimeout> | undefined;
  readonly #abort: (() => void) | undefined;

  constructor(limits: TimeoutOptions | undefined, app: AbortSignal | undefined) {
    this.#limits = limits;
    this.#app = app;
    if (limits === undefined) return;
    this.#abort = () => this.#attempt?.abort(app?.reason);
    app?.addEventListener("abort", this.#abort, { once: true });
  }

  /** There are limits. */
  get limited(): boolean {
    return this.#limits !== undefined;
  }

  /** The app has given up. */
  get left(): boolean {
    return this.#app?.aborted === true;
  }

  /** Makes one attempt: `send` is to call `fetch` with the signal it is given. */
  attempt<T>(upstream: string, send: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const limits = this.#limits;
    if (limits === undefined) return send(this.#app);
    const attempt = new AbortController();
    this.#upstream = upstream;
    this.#attempt = attempt;
    this.expired = undefined;
    if (this.left) attempt.abort(this.#app?.reason);
    if (limits.total !== undefined) this.#total ??= this.#timer("upstream_total_timeout", limits.total);
    const firstByte = (): void => {
      if (this.#attempt === attempt && !attempt.signal.aborted) {
        this.#enter("upstream_first_byte_timeout", limits.firstByte);
      }
    };
    firstByte();
    if (limits.connect === undefined) return send(attempt.signal);
    return afterConnecting(
      () => this.#enter("upstream_connect_timeout", limits.connect),
      firstByte,
      () => send(attempt.signal),
    );
  }

  /** The head came, or a piece of the body: nothing is waited for until the app wants more. */
  heard(): void {
    if (this.#phase === undefined) return;
    clearTimeout(this.#phase);
    this.#phase = undefined;
  }

  /** The app waits for a piece of the body. */
  waiting(): void {
    if (this.#limits?.idle !== undefined) this.#enter("upstream_idle_timeout", this.#limits.idle);
  }

  /**
   * A pause between attempts, in ms. Rejects with the app's reason when the app leaves meanwhile, and with
   * the total limit's error when that passes.
   */
  pause(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => end(() => reject(this.#app?.reason));
      const timer = setTimeout(() => end(resolve), ms);
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#app?.removeEventListener("abort", leave);
        this.onExpired = undefined;
        settle();
      };
      this.onExpired = () => end(() => reject(this.expired));
      if (this.left) return leave();
      this.#app?.addEventListener("abort", leave, { once: true });
    });
  }

  /** The call has ended. */
  over(): void {
    if (this.#abort === undefined) return;
    this.heard();
    clearTimeout(this.#total);
    this.#total = undefined;
    this.#app?.removeEventListener("abort", this.#abort);
  }

  #enter(code: ErrorCode, limit: number | undefined): void {
    this.heard();
    if (limit !== undefined) this.#phase = this.#timer(code, limit);
  }

  #timer(code: ErrorCode, limit: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      afterReading(() => {
        if (timer === this.#phase || timer === this.#total) this.#strike(code, limit);
      });
    }, limit);
    return timer;
  }

  #strike(code: ErrorCode, limit: number): void {
    this.expired = new BellwetherError(code, { upstream: this.#upstream, limit });
    this.#attempt?.abort(this.expired);
    this.onExpired?.();
  }
}
