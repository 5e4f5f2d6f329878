/** Content encodings: whole bodies at once, and streams flushed after every event. */
import {
  type BrotliCompress,
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createGzip,
  type Deflate,
  deflateSync,
  type Gzip,
  gzipSync,
} from "node:zlib";

export type Encoding = "gzip" | "br" | "deflate";

const wholes = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync } as const;
const streams = { gzip: createGzip, br: createBrotliCompress, deflate: createDeflate } as const;
const preferred: readonly Encoding[] = ["gzip", "br", "deflate"];

/** What the knob asks for; `asked` looks at the client's Accept-Encoding. */
export function chooseEncoding(
  knob: Encoding | "identity" | "asked" | undefined,
  accepted: string | undefined,
): Encoding | undefined {
  if (knob === undefined || knob === "identity") return undefined;
  if (knob !== "asked") return knob;
  const names = (accepted ?? "").split(",").map((name) => name.trim().split(";")[0]);
  return preferred.find((encoding) => names.includes(encoding));
}

export function encodeWhole(encoding: Encoding, body: Buffer): Buffer {
  return wholes[encoding](body);
}

/** Encodes a stream so that every event can be decoded as soon as it arrives. */
export class StreamEncoder {
  readonly #zip: BrotliCompress | Deflate | Gzip;
  #ready: Buffer[] = [];

  constructor(encoding: Encoding) {
    this.#zip = streams[encoding]();
    this.#zip.on("data", (part: Buffer) => this.#ready.push(part));
  }

  async encode(text: string): Promise<Buffer> {
    this.#zip.write(text);
    await new Promise<void>((resolve) => this.#zip.flush(resolve));
    return this.#take();
  }

  async finish(): Promise<Buffer> {
    const ended = new Promise<void>((resolve) => this.#zip.once("end", resolve));
    this.#zip.end();
    await ended;
    return this.#take();
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#ready);
    this.#ready = [];
    return bytes;
  }
}
