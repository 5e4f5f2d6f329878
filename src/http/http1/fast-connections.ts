/** All fast connections of a server: begins them, watches their time, and ends them when the server ends. */
import type { Socket } from "node:net";
import { FastConnection, type FastConnectionOwner } from "./fast-connection.ts";

/** What they need of the server. */
export type FastHandlers = Pick<FastConnectionOwner, "call" | "corsFor" | "handOver">;

export class FastConnections implements FastConnectionOwner {
  readonly headersLimit: number;
  readonly requestTimeout: number;
  readonly call: FastHandlers["call"];
  readonly corsFor: FastHandlers["corsFor"];
  readonly handOver: FastHandlers["handOver"];
  readonly #open = new Set<FastConnection>();
  #closing = false;
  #watch: NodeJS.Timeout | undefined;

  /** `checkInterval`: how often time is looked at, in milliseconds. */
  constructor(
    limits: {
      readonly headersLimit: number;
      readonly requestTimeout: number;
      readonly checkInterval: number;
    },
    handlers: FastHandlers,
  ) {
    this.headersLimit = limits.headersLimit;
    this.requestTimeout = limits.requestTimeout;
    this.call = handlers.call;
    this.corsFor = handlers.corsFor;
    this.handOver = handlers.handOver;
    // What has come by then is read first: a process that did not run for a while has no slow clients.
    this.#watch = setInterval(setImmediate, limits.checkInterval, this.#checkTime).unref();
  }

  get closing(): boolean {
    return this.#closing;
  }

  begin(socket: Socket): void {
    this.#open.add(new FastConnection(this, socket));
  }

  gone(connection: FastConnection): void {
    this.#open.delete(connection);
  }

  /** Each connection ends with its present answer; those without one end now. */
  closeIdle(): void {
    this.#closing = true;
    clearInterval(this.#watch);
    for (const connection of this.#open) if (connection.idle) connection.close();
  }

  closeAll(): void {
    for (const connection of this.#open) connection.close();
  }

  readonly #checkTime = (): void => {
    const now = performance.now();
    for (const connection of this.#open) connection.checkTime(now);
  };
}
