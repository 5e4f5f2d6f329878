/**
 * The process that has the ledger's database: its start, its messages and its end. A process rather than a thread:
 * whatever goes wrong in the database, a crash included, ends only there, and its memory is not the gateway's.
 */
import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { environment } from "../config/environment.ts";
import type { FromLedger, LedgerHost, LedgerSettings, Question, ToLedger } from "./ledger-protocol.ts";

/** What it reads lives for a second; Node.js would let 48 MB of that gather before it looks, and four times what stays. */
export const SMALL_HEAP = ["--max-semi-space-size=2", "--heap-growing-percent=50"];

/** Each of the C library's arenas keeps what its threads freed: 25 MB more where there is one for each of DuckDB's threads. */
export const FEW_ARENAS = { MALLOC_ARENA_MAX: "1" };

export class LedgerChild extends EventEmitter implements LedgerHost {
  readonly #process: ChildProcess;
  /** What it said before it ended. */
  #lastWords: string | undefined;

  /** `file`: the compiled `ledger-worker.ts`. @throws where no process can be started */
  constructor(file: string | URL, settings: LedgerSettings) {
    super();
    this.#process = fork(file, {
      // Its messages hold big integers.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...FEW_ARENAS, ...environment() },
      execArgv: [...process.execArgv.filter((flag) => !flag.startsWith("--inspect")), ...SMALL_HEAP],
    });
    const child = this.#process;
    child.on("message", (message: FromLedger) => {
      if ("failed" in message) this.#lastWords = message.failed;
      else this.emit("message", message);
    });
    // Both, for what it said last may be read after its end has been seen.
    let parts = 2;
    const ended = (): void => {
      if (--parts > 0) return;
      const { signalCode, exitCode } = child;
      this.emit("exit", new Error(this.#lastWords ?? `it ended with ${signalCode ?? `code ${exitCode}`}`));
    };
    child.once("exit", ended);
    child.once("disconnect", () => {
      child.kill("SIGKILL");
      ended();
    });
    child.on("error", (error) => {
      if (child.pid === undefined) this.emit("exit", error);
    });
    this.#send({ settings });
  }

  postMessage(question: Question): void {
    this.#send(question);
  }

  ref(): void {
    this.#process.ref();
    this.#process.channel?.ref();
  }

  unref(): void {
    this.#process.unref();
    this.#process.channel?.unref();
  }

  /** Ends it at once: what it had not finished the journal still has. */
  async terminate(): Promise<void> {
    const child = this.#process;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    this.ref();
    child.kill("SIGKILL");
    await gone;
  }

  /** Where it cannot be delivered, it has ended, and that is told. */
  #send(message: ToLedger): void {
    this.#process.send(message, () => undefined);
  }
}
