/**
 * A TCP line to a server that can hold back what the server answers, for as long as a test wants: in place of an
 * upstream that is slow by the clock, which a busy machine outruns.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export class HeldLine {
  /** Where the server is that the next connections lead to, as `http://host:port`. */
  target: string;
  #held = false;
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #answering = new Set<Socket>();

  private constructor(target: string) {
    this.target = target;
  }

  static async open(target = ""): Promise<HeldLine> {
    const line = new HeldLine(target);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections there are. */
  get open(): number {
    return this.#answering.size;
  }

  /** From now on no byte comes back. */
  hold(): void {
    this.#held = true;
    for (const socket of this.#answering) socket.pause();
  }

  /** All that was held back comes, and what follows. */
  release(): void {
    this.#held = false;
    for (const socket of this.#answering) socket.resume();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const { hostname, port } = new URL(this.target);
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
    }
    this.#answering.add(server);
    if (this.#held) server.pause();
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => client.write(bytes));
    server.on("end", () => client.end());
    client.on("close", () => server.destroy());
    server.on("error", () => client.resetAndDestroy());
    server.on("close", () => {
      this.#answering.delete(server);
      client.destroySoon();
    });
  }
}
