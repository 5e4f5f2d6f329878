/** How an answer's bytes are written: when, at what pace, cut where, encoded how, and whether to the end. */
import { STATUS_CODES } from "node:http";
import { type Answer, type EventStream, isStream } from "./call.ts";
import { cuts } from "./cut.ts";
import { chooseEncoding, encodeWhole, StreamEncoder } from "./encode.ts";
import type { Exchange } from "./exchange.ts";
import { type Frame, frames } from "./frames.ts";
import type { Knobs } from "./knobs.ts";
import type { Random } from "./random.ts";

const HTML = `<!DOCTYPE html>
<html><head><title>Sandbox</title></head><body><h1>This is a web page, not an API answer</h1></body></html>
`;

/** Writes `answer` with `headers` (name, value, name, value, …) the way the knobs say. */
export async function deliver(
  exchange: Exchange,
  answer: Answer,
  headers: readonly string[],
  knobs: Knobs,
  random: Random,
): Promise<void> {
  if (knobs.latency !== undefined) await exchange.sleep(knobs.latency.sample(random));
  if (exchange.over) return;
  for (const status of knobs.informational ?? []) {
    const link = status === 103 ? "Link: </style.css>; rel=preload\r\n" : "";
    exchange.raw(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Informational"}\r\n${link}\r\n`);
  }
  if (knobs.hang === "head") return exchange.untilOver();
  if (knobs.reset === "head") return exchange.reset();
  if (knobs.malformed !== undefined) return malformed(exchange, knobs.malformed);
  const all = [...headers, ...knobHeaders(knobs)];
  const content = knobs.html === true ? HTML : answer.content;
  if (isStream(content)) return deliverStream(exchange, answer, content, all, knobs, random);
  return deliverBody(exchange, answer, Buffer.from(content), all, knobs, random);
}

/** Writes an answer that no knob touches. */
export function deliverPlain(exchange: Exchange, answer: Answer, headers: string[]): void {
  exchange.reported = answer.reported;
  exchange.answer(answer.status, headers, answer.content as string | Buffer);
}

function knobHeaders(knobs: Knobs): readonly string[] {
  const headers: string[] = [];
  if (knobs.duplicateHeaders === true) {
    headers.push("set-cookie", "a=1; Path=/", "set-cookie", "b=2; Path=/");
    headers.push("x-sandbox-duplicate", "first", "x-sandbox-duplicate", "second");
  }
  if (knobs.trailers === true) headers.push("trailer", "x-sandbox-trailer");
  if (knobs.keepAlive === false && knobs.framing !== "close") headers.push("connection", "close");
  return headers;
}

const MALFORMED = {
  "status-line": "HTTP/1.1 banana\r\ncontent-length: 2\r\n\r\n{}",
  header: "HTTP/1.1 200 OK\r\nthis line is no header\r\ncontent-length: 2\r\n\r\n{}",
  length: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
  chunk:
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
} as const;

function malformed(exchange: Exchange, part: keyof typeof MALFORMED): Promise<void> {
  exchange.status = 200;
  exchange.raw(MALFORMED[part]);
  return exchange.hangUp();
}

async function deliverBody(
  exchange: Exchange,
  answer: Answer,
  plain: Buffer,
  headers: string[],
  knobs: Knobs,
  random: Random,
): Promise<void> {
  const encoding = chooseEncoding(knobs.encoding, acceptEncoding(exchange));
  if (encoding !== undefined) headers.push("content-encoding", encoding);
  const encoded = encoding === undefined ? plain : encodeWhole(encoding, plain);
  const body = knobs.half === "json" ? encoded.subarray(0, encoded.length >> 1) : encoded;
  const framing = knobs.half === "chunked" || knobs.trailers === true ? "chunked" : knobs.framing;
  exchange.begin(
    answer.status,
    headers,
    framing === undefined || framing === "sized" ? body.length : framing,
  );
  const ends = knobs.hang === undefined && knobs.reset === undefined;
  const whole = ends && (knobs.half === undefined || knobs.half === "json");
  const writer = new BodyWriter(exchange, knobs, random);
  await writer.write(whole ? body : body.subarray(0, body.length >> 1));
  if (whole && knobs.half === undefined && !exchange.over) exchange.reported = answer.reported;
  return finish(exchange, knobs, whole);
}

async function deliverStream(
  exchange: Exchange,
  answer: Answer,
  stream: EventStream,
  headers: string[],
  knobs: Knobs,
  random: Random,
): Promise<void> {
  const encoding = chooseEncoding(knobs.encoding, acceptEncoding(exchange));
  if (encoding !== undefined) headers.push("content-encoding", encoding);
  exchange.begin(answer.status, headers, knobs.framing === "close" ? "close" : "chunked");
  exchange.response.flushHeaders();
  const writer = new BodyWriter(exchange, knobs, random);
  const encoder = encoding === undefined ? undefined : new StreamEncoder(encoding);
  const breaks = knobs.hang !== undefined || knobs.reset !== undefined || knobs.half !== undefined;
  const stopAt = breaks ? (knobs.after ?? 1) : Number.POSITIVE_INFINITY;
  const pace = new Pace(knobs, random);
  let passed = 0;
  let whole = true;
  for (const frame of frames(stream, knobs)) {
    const wait = pace.wait();
    if (wait > 0) await exchange.sleep(wait);
    if (exchange.over) return;
    if (passed++ >= stopAt) {
      whole = false;
      break;
    }
    const writing = encoder === undefined ? writer.write(frame.text) : writeEncoded(writer, encoder, frame);
    pace.sent(frame.tokens);
    exchange.tokens += frame.tokens;
    if (frame.reported !== undefined) exchange.reported = frame.reported;
    if (writing !== undefined) await writing;
  }
  if (!whole && knobs.half !== undefined) await writer.write('data: {"half":"of an ev');
  if (encoder !== undefined) await writer.write(await encoder.finish());
  return finish(exchange, knobs, whole);
}

async function writeEncoded(writer: BodyWriter, encoder: StreamEncoder, frame: Frame): Promise<void> {
  await writer.write(await encoder.encode(frame.text));
}

/** Ends the body as the knobs say; `whole` when all of it was written. */
async function finish(exchange: Exchange, knobs: Knobs, whole: boolean): Promise<void> {
  if (exchange.over) return;
  if (!whole && knobs.hang !== undefined) return exchange.untilOver();
  if (!whole && knobs.reset !== undefined) return exchange.reset();
  if (!whole && knobs.half !== "json") return exchange.hangUp();
  if (knobs.half !== undefined) exchange.cutShort = true;
  exchange.end(knobs.trailers === true ? [["x-sandbox-trailer", "the end"]] : []);
}

function acceptEncoding(exchange: Exchange): string | undefined {
  const value = exchange.request.headers["accept-encoding"];
  return Array.isArray(value) ? value.join(",") : value;
}

/** Spreads a stream's tokens over time; drift does not add up, since every wait is reckoned from the start. */
class Pace {
  readonly #perToken: number;
  #due: number | undefined;

  constructor(knobs: Knobs, random: Random) {
    const rate = knobs.tokensPerSecond ?? 0;
    this.#perToken = rate > 0 ? 1000 / rate : 0;
    const first = knobs.firstToken?.sample(random) ?? 0;
    if (this.#perToken > 0 || first > 0) this.#due = performance.now() + first;
  }

  /** Milliseconds to wait before the next event. */
  wait(): number {
    return this.#due === undefined ? 0 : this.#due - performance.now();
  }

  sent(tokens: number): void {
    if (this.#due !== undefined) this.#due += tokens * this.#perToken;
  }
}

/** Writes body bytes in the parts that the knob `cut` wants. */
class BodyWriter {
  readonly #exchange: Exchange;
  readonly #knobs: Knobs;
  readonly #random: Random;

  constructor(exchange: Exchange, knobs: Knobs, random: Random) {
    this.#exchange = exchange;
    this.#knobs = knobs;
    this.#random = random;
  }

  write(data: string | Buffer): Promise<void> | undefined {
    return this.#knobs.cut === undefined || data.length === 0
      ? this.#exchange.write(data)
      : this.#writeCut(typeof data === "string" ? Buffer.from(data) : data, this.#knobs.cut);
  }

  async #writeCut(bytes: Buffer, cut: number | "utf8" | "random"): Promise<void> {
    const pause = this.#knobs.cutPause ?? 0;
    for (const part of cuts(bytes, cut, this.#random)) {
      if (this.#exchange.over) return;
      await this.#exchange.write(part);
      if (pause > 0) await this.#exchange.sleep(pause);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
