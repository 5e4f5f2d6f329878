/** A client that is nothing but a socket, for tests of what exactly is on the wire. */
import { connect, type Socket } from "node:net";

export interface Received {
  /** Everything, as latin1 text: one character a byte. */
  readonly text: string;
  /** The parts as they came off the socket. */
  readonly parts: readonly Buffer[];
  /** How the connection ended; `open` as long as it has not. */
  readonly ended: "end" | "reset" | "open";
}

/** A request that has been sent as it is, and what has come of it so far. */
export class Conversation implements Received {
  readonly parts: Buffer[] = [];
  ended: Received["ended"] = "open";
  /** Resolves when the connection has ended. */
  readonly over: Promise<Received>;
  readonly #socket: Socket;

  constructor(port: number, request: string | Buffer) {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    this.#socket = socket.setNoDelay(true);
    socket.on("data", (part) => this.parts.push(part));
    this.over = new Promise((resolve) => {
      const finish = (ended: Received["ended"]): void => {
        this.ended = ended;
        socket.destroy();
        resolve(this);
      };
      socket.on("end", () => finish("end"));
      socket.on("error", () => finish("reset"));
    });
  }

  get text(): string {
    return Buffer.concat(this.parts).toString("latin1");
  }

  leave(): void {
    this.#socket.destroy();
  }
}

/** Sends `request` as it is and collects the answer until the connection ends. */
export function talk(port: number, request: string | Buffer): Promise<Received> {
  return new Conversation(port, request).over;
}

/** A chat request as bytes; the connection closes after it. */
export function chatRequest(knobs: string, body: Readonly<Record<string, unknown>> = {}): string {
  const json = JSON.stringify({
    model: "gpt-4.1",
    messages: [{ role: "user", content: "Who leads the flock?" }],
    ...body,
  });
  return [
    "POST /v1/chat/completions HTTP/1.1",
    "host: sandbox",
    "connection: close",
    "authorization: Bearer sk-sandbox",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(json)}`,
    `x-sandbox: ${knobs}`,
    "",
    json,
  ].join("\r\n");
}

/** Head and body of an answer, chunk framing removed. */
export function split(text: string): { readonly head: string; readonly body: string } {
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  const rest = text.slice(end + 4);
  return { head, body: /\r\ntransfer-encoding: chunked/i.test(head) ? unchunk(rest) : rest };
}

function unchunk(text: string): string {
  let body = "";
  let place = 0;
  while (place < text.length) {
    const line = text.indexOf("\r\n", place);
    const size = Number.parseInt(text.slice(place, line), 16);
    if (!(size > 0)) break;
    body += text.slice(line + 2, line + 2 + size);
    place = line + 2 + size + 2;
  }
  return body;
}
