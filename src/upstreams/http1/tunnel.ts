/**
 * The way to an upstream through an HTTP proxy: a connection to the proxy on which CONNECT (RFC 9110, section
 * 9.3.6) has been answered. Plain HTTP upstreams are reached the same way, so that the proxy changes nothing.
 */
import { connect as openTcp, type Socket } from "node:net";
import { connect as openTls } from "node:tls";
import type { Carrier } from "./exchange.ts";

/** Largest head of a proxy's answer, in bytes. */
const MAX_HEAD_BYTES = 16 * 1024;
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})[ \r]/;

export interface TunnelEnds {
  /** The tunnel stands: the socket is the caller's. */
  onReady(socket: Socket): void;
  onFailed(cause: Error): void;
}

/** A tunnel that is being opened, on behalf of the exchange that waits for it. */
export class Tunnel implements Carrier {
  readonly #socket: Socket;
  readonly #ends: TunnelEnds;
  #received = "";
  readonly #onData = (chunk: Buffer): void => this.#read(chunk);
  readonly #onLost = (error?: Error): void =>
    this.#fail(error ?? new Error("the proxy closed the connection"));

  /**
   * @param proxy URL, with credentials or without.
   * @param target `host:port` to be connected to.
   */
  constructor(proxy: string, target: string, ends: TunnelEnds) {
    this.#ends = ends;
    const { protocol, hostname, port, username, password } = new URL(proxy);
    const tls = protocol === "https:";
    const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
    const address = { host, port: port === "" ? (tls ? 443 : 80) : Number(port), noDelay: true };
    const socket = tls ? openTls({ ...address, servername: host }) : openTcp(address);
    this.#socket = socket;
    socket.once(tls ? "secureConnect" : "connect", () => {
      const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
      const authorization =
        username === "" ? "" : `proxy-authorization: Basic ${credentials.toString("base64")}\r\n`;
      socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorization}\r\n`, "latin1");
    });
    socket.on("data", this.#onData);
    socket.on("error", this.#onLost);
    socket.on("close", this.#onLost);
    socket.on("end", this.#onLost);
  }

  resume(): void {
    // No answer has begun.
  }

  abandon(): void {
    this.#letGo();
    this.#socket.on("error", () => undefined).destroy();
  }

  #read(chunk: Buffer): void {
    this.#received += chunk.toString("latin1");
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) {
      if (this.#received.length > MAX_HEAD_BYTES) this.#fail(new Error("the proxy's answer is too large"));
      return;
    }
    const status = STATUS_LINE.exec(this.#received)?.[1];
    if (status !== "200") {
      const answer = status === undefined ? "with something that is not HTTP" : status;
      return this.#fail(new Error(`the proxy answered ${answer}`));
    }
    // The client speaks first: what has come already is nobody's answer.
    if (this.#received.length > end + 4) return this.#fail(new Error("the proxy sent more than its answer"));
    this.#letGo();
    this.#ends.onReady(this.#socket);
  }

  #fail(cause: Error): void {
    this.abandon();
    this.#ends.onFailed(cause);
  }

  #letGo(): void {
    this.#socket.off("data", this.#onData);
    this.#socket.off("error", this.#onLost);
    this.#socket.off("close", this.#onLost);
    this.#socket.off("end", this.#onLost);
  }
}
