/** The ledger's thread: see ledger-service.ts for what it does. */
import { parentPort, workerData } from "node:worker_threads";
import type { LedgerSettings, Question } from "./ledger-protocol.ts";
import { LedgerService } from "./ledger-service.ts";

if (parentPort !== null) {
  const port = parentPort;
  const service = new LedgerService({
    settings: workerData as LedgerSettings,
    tell: (message) => port.postMessage(message),
  });
  port.on("message", (question: Question) => void service.answer(question));
  service.start();
}
