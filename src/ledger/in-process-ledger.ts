/** The ledger's service without a process of its own, for sources that run uncompiled. */
import { EventEmitter } from "node:events";
import type { LedgerHost, LedgerSettings, Question } from "./ledger-protocol.ts";
import { LedgerService } from "./ledger-service.ts";

export class InProcessLedger extends EventEmitter implements LedgerHost {
  readonly #service: LedgerService;

  constructor(settings: LedgerSettings) {
    super();
    this.#service = new LedgerService({ settings, tell: (message) => this.emit("message", message) });
    this.#service.start();
  }

  postMessage(question: Question): void {
    void this.#service.answer(question);
  }

  ref(): void {
    // It shares the event loop's life.
  }

  unref(): void {
    // As `ref`.
  }

  terminate(): Promise<void> {
    return this.#service.stop();
  }
}
