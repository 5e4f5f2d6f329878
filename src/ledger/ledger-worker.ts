/** The ledger's thread: see ledger-service.ts for what it does. */
import { parentPort, workerData } from "node:worker_threads";
import type { LedgerSettings, Question } from "./ledger-protocol.ts";
import { LedgerService } from "./ledger-service.ts";

/** How long what is being worked on may take when the thread has to end. */
const PATIENCE_MS = 60_000;

if (parentPort !== null) {
  const port = parentPort;
  const service = new LedgerService({
    settings: workerData as LedgerSettings,
    tell: (message) => port.postMessage(message),
  });
  // A thread that ends amid the database's own work takes the whole process with it (Node-API aborts on an exception
  // that nobody is left to take): whatever has gone wrong here, that work ends first.
  process.once("uncaughtException", (error) => {
    const ended = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
    void Promise.race([service.stop().catch(() => undefined), ended]).then(() => {
      throw error;
    });
  });
  port.on("message", (question: Question) => void service.answer(question));
  service.start();
}
