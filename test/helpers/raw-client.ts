/** A client that is nothing but a socket: it sends what it is told, however wrong, and shows what came back. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Generous: a busy machine must not fail a test. */
const DEADLINE_MS = 45_000;

export interface RawAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Names and values as on the wire, read as latin1. */
  readonly headers: readonly (readonly [string, string])[];
  /** Without chunk framing. */
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** False where the connection ended before the body did. */
  readonly complete: boolean;
}

export class RawClient {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  /** How the connection ended, from this side. */
  ended: "open" | "end" | "reset" = "open";
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (part: Buffer) => {
      this.#received.push(part);
      this.#wake?.();
    });
    socket.on("end", () => this.#over("end"));
    socket.on("error", () => this.#over("reset"));
    socket.on("close", () => this.#over("reset"));
  }

  /** Connects to `http://host:port`. The connection stays half open when the other side ends. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Connects, sends the parts one by one, and returns the client. */
  static async open(url: string, ...parts: readonly (string | Buffer)[]): Promise<RawClient> {
    const client = await RawClient.connect(url);
    for (const part of parts) await client.send(part);
    return client;
  }

  /** Sends bytes (text as latin1) and resolves when the system has taken them, or the connection is gone. */
  send(part: string | Buffer): Promise<void> {
    const bytes = typeof part === "string" ? Buffer.from(part, "latin1") : part;
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.write(bytes, () => resolve());
    });
  }

  /** Sends bytes without waiting for them to be taken. */
  post(part: string | Buffer): void {
    this.#socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
  }

  /** Everything received so far. */
  get bytes(): Buffer {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    return all;
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that nothing more will be sent (FIN). */
  finish(): void {
    this.#socket.end();
  }

  /** Leaves without a word (RST). */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Waits until `seen` holds of what has been received. */
  async until(seen: (text: string) => boolean, what = "the answer"): Promise<string> {
    await this.#wait(() => seen(this.text), what);
    return this.text;
  }

  /** Waits until the other side has ended the connection; returns everything it sent. */
  async end(): Promise<Buffer> {
    await this.#wait(() => this.ended !== "open", "the end of the connection");
    this.#socket.destroy();
    return this.bytes;
  }

  /** Reads one answer off the connection; the rest stays for the next. `method` of the request it answers. */
  async answer(method = "POST"): Promise<RawAnswer> {
    let parsed: { readonly answer: RawAnswer; readonly length: number } | undefined;
    await this.#wait(() => {
      parsed = parseAnswer(this.bytes, method, this.ended !== "open");
      return parsed !== undefined || this.ended !== "open";
    }, "a whole answer");
    if (parsed === undefined) throw new Error(`no answer, but ${JSON.stringify(this.text.slice(0, 500))}`);
    this.#received = [this.bytes.subarray(parsed.length)];
    return parsed.answer;
  }

  #over(how: "end" | "reset"): void {
    if (this.ended === "open") this.ended = how;
    this.#wake?.();
  }

  async #wait(met: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    while (!met()) {
      if (Date.now() > deadline) {
        throw new Error(
          `waited in vain for ${what}; so far (${this.ended}): ${JSON.stringify(this.text.slice(0, 500))}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 250);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }
}

/** Parses the first answer in `bytes`; undefined while it is not complete and more may come. */
export function parseAnswer(
  bytes: Buffer,
  method: string,
  over: boolean,
): { readonly answer: RawAnswer; readonly length: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine);
  if (match === null) throw new Error(`not a status line: ${statusLine}`);
  const status = Number(match[1]);
  const headers = lines.map(field);
  const start = headEnd + 4;
  const make = (body: Buffer, complete: boolean, length: number, trailers: RawAnswer["trailers"] = []) => ({
    answer: { status, statusText: match[2] ?? "", headers, body, trailers, complete },
    length,
  });
  if (status < 200 || status === 204 || status === 304 || method === "HEAD") {
    return make(Buffer.alloc(0), true, start);
  }
  if (header(headers, "transfer-encoding")?.toLowerCase() === "chunked") {
    const chunks: Buffer[] = [];
    let at = start;
    for (;;) {
      const lineEnd = bytes.indexOf("\r\n", at);
      const size = lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
      if (size === 0) {
        const trailerEnd = bytes.indexOf("\r\n\r\n", lineEnd);
        if (trailerEnd !== -1) {
          const text = bytes.toString("latin1", lineEnd + 2, Math.max(lineEnd + 2, trailerEnd));
          const trailers = text === "" ? [] : text.split("\r\n").map(field);
          return make(Buffer.concat(chunks), true, trailerEnd + 4, trailers);
        }
      }
      const end = lineEnd + 2 + size;
      if (!(size > 0) || end + 2 > bytes.length) {
        if (!over) return undefined;
        if (size > 0) chunks.push(bytes.subarray(lineEnd + 2, Math.min(end, bytes.length)));
        return make(Buffer.concat(chunks), false, bytes.length);
      }
      chunks.push(bytes.subarray(lineEnd + 2, end));
      at = end + 2;
    }
  }
  const announced = header(headers, "content-length");
  if (announced === undefined) return over ? make(bytes.subarray(start), true, bytes.length) : undefined;
  const end = start + Number(announced);
  if (bytes.length >= end) return make(bytes.subarray(start, end), true, end);
  return over ? make(bytes.subarray(start), false, bytes.length) : undefined;
}

function field(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
}

/** The value of a header, the first where there are several. */
export function header(headers: RawAnswer["headers"], name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** A request as text; `content-length` is added when there is a body and no header about its length. */
export function request(
  method: string,
  target: string,
  headers: readonly string[] = [],
  body: string | Buffer = "",
): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: gateway.test", ...headers];
  const framed = headers.some((line) => /^(content-length|transfer-encoding):/i.test(line));
  if (!framed && bytes.length > 0) lines.push(`Content-Length: ${bytes.length}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

/** The body in chunked encoding, cut into these parts. */
export function chunked(parts: readonly Buffer[], trailers: readonly string[] = []): Buffer {
  const framed = parts
    .filter((part) => part.length > 0)
    .map((part) =>
      Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")]),
    );
  const end = `0\r\n${trailers.map((line) => `${line}\r\n`).join("")}\r\n`;
  return Buffer.concat([...framed, Buffer.from(end)]);
}
