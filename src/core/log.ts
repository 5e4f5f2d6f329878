/** The logging interface the whole of Bellwether writes to; pino stands behind it. No I/O here. */

export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}
