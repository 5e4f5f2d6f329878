/** Counts the calls that are not settled yet, so that the process does not end before their rows are written. */
import type { Recorder } from "../usage/usage.ts";

export class OpenCalls implements Recorder {
  #open = 0;
  #whenNone: (() => void) | undefined;

  started(): void {
    this.#open++;
  }

  settled(): void {
    this.#open--;
    if (this.#open === 0) this.#whenNone?.();
  }

  /** Resolves when no call is open, or after `limitMs` milliseconds. */
  async none(limitMs: number): Promise<void> {
    if (this.#open === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenNone = resolve;
      timer = setTimeout(resolve, limitMs);
    });
    clearTimeout(timer);
  }
}
