/** A server of the operations paths alone, for the exporter, which relays nothing. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type OperationsSource, serveOperation } from "./operations.ts";

/** A head this large is none that Prometheus sends. */
const MAX_HEADER_BYTES = 16 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;

export class OperationsServer {
  readonly #server: Server;
  readonly #address: { readonly host: string; readonly port: number };

  constructor(address: { readonly host: string; readonly port: number }, source: OperationsSource) {
    this.#address = address;
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: 75_000,
    };
    this.#server = createServer(limits, (request, response) => {
      if (serveOperation(source, request, response)) return;
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      response.end("Here are /metrics, /probe, /health, /healthz and /readyz.\n");
    });
  }

  /** Begins to listen; rejects with the system's error (EADDRINUSE, EACCES, …). */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return this.#server.address() as AddressInfo;
  }

  /** Stops accepting, and cuts what is still open: a scrape can be made again. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
