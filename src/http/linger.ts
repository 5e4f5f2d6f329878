/**
 * The end of a connection whose request was refused amid its body: what the client still sends is thrown away for a
 * while, so that a client which sends all before it reads sees the answer. An end with bytes unread would reset it.
 */

/** The connection ends when nothing has come for so long, */
const QUIET_MS = 2_000;
/** and after so long in any case (as nginx's `lingering_time`). */
const MOST_MS = 30_000;

export class Linger {
  readonly #end: () => void;
  readonly #until = performance.now() + MOST_MS;
  readonly #timer = setTimeout(() => this.#ring(), QUIET_MS);
  #quiet = false;
  #over = false;

  /** `end` is called once, unless it is stopped before. */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** The client has sent something. */
  heard(): void {
    // To refresh a timer that has rung, or was cleared, would set it again.
    if (this.#over || performance.now() >= this.#until) return;
    this.#quiet = false;
    this.#timer.refresh();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** What has come by now is read first: a process that did not run for a while has no quiet clients. */
  #ring(): void {
    this.#quiet = true;
    setImmediate(() => {
      if (!this.#quiet || this.#over) return;
      this.#over = true;
      this.#end();
    });
  }
}
