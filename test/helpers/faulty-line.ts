/** A TCP line to a server that fails amid a question in each way in which lines do. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * What becomes of the next question: it is answered; it gets lost; its answer gets lost; or it is held up while the
 * asker's connection ends, and reaches the server when `deliverLate` says so. But for the first the connection ends.
 */
export type Fate = "fine" | "question lost" | "answer lost" | "late";

export class FaultyLine {
  /** Of the next bytes that come; then it is "fine" again. */
  next: Fate = "fine";
  readonly #port: number;
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #late: (() => Promise<void>)[] = [];

  private constructor(port: number) {
    this.#port = port;
  }

  /** To a port of this machine. */
  static async open(port: number): Promise<FaultyLine> {
    const line = new FaultyLine(port);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets all that was held up arrive; resolves when the server has answered it. */
  async deliverLate(): Promise<void> {
    for (const deliver of this.#late.splice(0)) await deliver();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const server = connect(this.#port, "127.0.0.1");
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
    }
    let fate: Fate = "fine";
    client.on("data", (question) => {
      if (fate === "fine") [fate, this.next] = [this.next, "fine"];
      if (fate === "fine" || fate === "answer lost") return void server.write(question);
      client.destroy();
      if (fate === "question lost") return void server.destroy();
      this.#late.push(async () => {
        server.write(question);
        await once(server, "data");
        server.destroy();
      });
    });
    server.on("data", (answer) => {
      if (fate === "fine") client.write(answer);
      else if (fate === "answer lost") {
        client.destroy();
        server.destroy();
      }
    });
    client.on("close", () => {
      if (fate !== "late") server.destroy();
    });
    server.on("close", () => client.destroy());
  }
}
