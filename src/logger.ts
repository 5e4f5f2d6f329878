/** Logs with pino: JSON lines for machines, readable ones on a terminal; never bodies, never keys. */
import { pino } from "pino";
import { environment } from "./config/environment.ts";
import type { Logger } from "./core/log.ts";

export interface LogSettings {
  readonly level: string;
  readonly format: "auto" | "json" | "pretty";
}

export interface ProcessLogger extends Logger {
  /** Writes out what is still buffered. */
  flush(): void;
}

/** Lines are written together: when they are this many characters, or after this long. */
const BATCH_CHARACTERS = 32 * 1024;
const BATCH_MS = 250;
const MAX_WRITE_BYTES = 256 * 1024;
/** Lines that wait while nobody reads the log; further ones are dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** At the end a log that nobody reads is tried this long, then given up. */
const LAST_TRY_MS = 500;

export async function createLogger(settings: LogSettings): Promise<ProcessLogger> {
  const options = {
    level: settings.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (settings.format === "pretty" || (settings.format === "auto" && process.stdout.isTTY === true)) {
    const { default: pretty } = await import("pino-pretty");
    const colorize = process.stdout.isTTY === true && !environment().NO_COLOR;
    const stream = pretty({
      colorize,
      translateTime: "SYS:HH:MM:ss.l",
      ignore: "id,traceId",
      // A call's `error` is a word, and belongs into its line.
      errorLikeObjectKeys: ["err"],
      singleLine: true,
      sync: true,
    });
    return wrap(pino(options, stream), () => undefined);
  }
  let giveUpAt = Number.POSITIVE_INFINITY;
  const destination = pino.destination({
    // Merely to look at `process.stdout` makes a pipe non-blocking, so that a full one cannot hold a thread.
    fd: process.stdout.fd,
    sync: false,
    maxWrite: MAX_WRITE_BYTES,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => performance.now() < giveUpAt,
  });
  // Nobody reads the log any more: traffic goes on without one.
  destination.on("error", () => undefined);
  const batch = new Batch((lines) => destination.write(lines));
  const logger = pino(options, { write: (line: string) => batch.add(line) });
  const flush = (): void => {
    batch.flush();
    giveUpAt = performance.now() + LAST_TRY_MS;
    try {
      destination.flushSync();
    } catch {
      // Not open yet, or gone: there is nothing left to save.
    }
  };
  const writeLine = logger.isLevelEnabled("info") ? (line: string) => batch.add(line) : () => undefined;
  return { ...wrap(logger, flush), writeLine };
}

/** Gathers lines, so that many calls cost one write. */
class Batch {
  readonly #write: (lines: string) => void;
  #lines = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  add(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= BATCH_CHARACTERS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = "";
    if (lines !== "") this.#write(lines);
  }
}

function wrap(logger: pino.Logger, flush: () => void): ProcessLogger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush,
  };
}
