/** The ledger's process: see ledger-service.ts for what it does. */
import { existsSync, readdirSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import type { FromLedger, ToLedger } from "./ledger-protocol.ts";
import { LedgerService } from "./ledger-service.ts";

/**
 * Where processors are scarce, calls go first: at 1,000 a second on one core the last hundredth of them took 1.4 to 1.7 ms
 * more than without a gateway, where it was 2.2 to 3.6 with 5. A thread has a sixth of that core left, two of them three
 * tenths: as much as a gateway needs that has the rest. So much nicer than the gateway, whatever that was started with.
 */
const NICER = 7;
/** On Linux each thread has a niceness of its own, which those that it begins have too. */
const THREADS = "/proc/self/task";

if (process.connected) {
  process.title = "bellwether ledger";
  yieldToCalls();
  const tell = (message: FromLedger, told = (): void => undefined): void => {
    process.send?.(message, undefined, undefined, told);
  };
  let service: LedgerService | undefined;
  process.on("message", (message: ToLedger) => {
    if (!("settings" in message)) return void service?.answer(message);
    service = new LedgerService({ settings: message.settings, tell });
    service.start();
  });
  // The gateway decides when this ends: a terminal and a supervisor send these to all of a service's processes.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  // It is gone: at once, so that the next one finds the database free. What was not finished the journal still has.
  process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.once("uncaughtException", (error: unknown) => {
    const failed = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tell({ failed }, () => process.exit(1));
  });
}

function yieldToCalls(): void {
  const niceness = Math.min(getPriority() + NICER, constants.priority.PRIORITY_LOW);
  const threads = existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) {
    try {
      setPriority(thread, niceness);
    } catch {
      // Some sandboxes forbid it. It works all the same, only not after the calls.
    }
  }
}
