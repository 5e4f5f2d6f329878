/** Several recorders as one. */
import type { ErrorType } from "../core/errors.ts";
import type { Call, Recorder, Usage } from "./usage.ts";

export class Recorders implements Recorder {
  readonly #recorders: readonly Recorder[];

  constructor(recorders: readonly Recorder[]) {
    this.#recorders = recorders;
  }

  started(call: Call): void {
    for (const recorder of this.#recorders) recorder.started(call);
  }

  settled(usage: Usage): void {
    for (const recorder of this.#recorders) recorder.settled(usage);
  }

  attemptFailed(call: Call, reason: ErrorType): void {
    for (const recorder of this.#recorders) recorder.attemptFailed?.(call, reason);
  }
}
