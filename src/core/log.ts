/** The logging interface the whole of Bellwether writes to; pino stands behind it. No I/O here. */

export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  /** Where lines are JSON and `info` is written: takes a finished line, with its newline. */
  readonly writeLine?: ((line: string) => void) | undefined;
}
