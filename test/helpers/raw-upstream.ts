/** An upstream that is nothing but a socket, for answers that no HTTP server would give. */

import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";

export interface RawUpstream {
  readonly url: string;
  /** What the next requests are answered with: bytes, or whatever is done to the socket. */
  answer: Buffer | string | ((socket: Socket) => void);
  /** The requests so far, as they came, one per connection. */
  readonly requests: string[];
  /** Connections that have had a request and are open still. */
  readonly open: number;
  close(): Promise<void>;
}

/** Starts one. It answers as soon as a request's head is there, and then ends the connection. */
export async function startRawUpstream(): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const asked = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      asked.delete(socket);
    });
    socket.on("error", () => undefined);
    let text = "";
    let answered = false;
    socket.on("data", (part) => {
      text += part.toString("latin1");
      if (answered || !text.includes("\r\n\r\n")) return;
      answered = true;
      asked.add(socket);
      upstream.requests.push(text);
      if (typeof upstream.answer === "function") upstream.answer(socket);
      else socket.end(upstream.answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const upstream: RawUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: "",
    requests: [],
    get open() {
      return asked.size;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return upstream;
}
