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

/** Lines are written together: at least this many bytes, or once a second. */
const BUFFER_BYTES = 8 * 1024;
const FLUSH_MS = 1_000;

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
    const stream = pretty({ colorize, translateTime: "SYS:HH:MM:ss.l", ignore: "id,traceId", sync: true });
    return wrap(pino(options, stream), () => undefined);
  }
  const destination = pino.destination({
    fd: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    periodicFlush: FLUSH_MS,
  });
  // Nobody reads the log any more: traffic goes on without one.
  destination.on("error", () => undefined);
  const logger = pino(options, destination);
  const flush = (): void => {
    try {
      destination.flushSync();
    } catch {
      // Not open yet, or gone: there is nothing left to save.
    }
  };
  if (!logger.isLevelEnabled("info")) return wrap(logger, flush);
  return { ...wrap(logger, flush), writeLine: (line) => void destination.write(line) };
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
