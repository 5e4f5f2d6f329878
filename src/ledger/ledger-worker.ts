/** The ledger's process: see ledger-service.ts for what it does. */
import type { FromLedger, ToLedger } from "./ledger-protocol.ts";
import { LedgerService } from "./ledger-service.ts";

if (process.connected) {
  process.title = "bellwether ledger";
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
