/** Decodes a copy of a compressed answer for the meter, off the event loop, bounded against bombs. */
import type { Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** More decoded bytes than this are not read: no model answers so much. */
const MAX_DECODED_BYTES = 256 * 1024 * 1024;
/** With more encoded bytes than this before it, the decoder wants no further ones. */
const MAX_WAITING_BYTES = 256 * 1024;

export interface DecodedSink {
  /** Returning false pauses the decoder until `resume`. */
  onDecoded(chunk: Uint8Array): boolean;
  /** The data is not what it claimed to be, or too much; nothing more will be decoded. */
  onUndecodable(): void;
  /** The decoder has caught up after `write` returned false. */
  onDecoderReady(): void;
  /** `end` was called, and everything that could be decoded has been. */
  onDecodedEnd(): void;
}

export interface Decoder {
  /** Returns false when too much waits to be decoded: `onDecoderReady` follows. */
  write(chunk: Uint8Array): boolean;
  resume(): void;
  end(): void;
}

/** A decoder for the value of `content-encoding`, or undefined when this is not an encoding we can read. */
export function createDecoder(encoding: string, sink: DecodedSink): Decoder | undefined {
  const zlib = stream(encoding);
  if (zlib === undefined) return undefined;
  let decoded = 0;
  /** Nothing more will be decoded; `ended` once nothing more will be written either. */
  let over = false;
  let ended = false;
  const finish = (ok: boolean): void => {
    if (over) return;
    over = true;
    zlib.destroy();
    if (!ok) sink.onUndecodable();
    if (ended) sink.onDecodedEnd();
  };
  zlib.on("data", (chunk: Buffer) => {
    if (over) return;
    decoded += chunk.length;
    if (decoded > MAX_DECODED_BYTES) finish(false);
    else if (!sink.onDecoded(chunk)) zlib.pause();
  });
  zlib.on("drain", () => sink.onDecoderReady());
  zlib.on("end", () => finish(true));
  zlib.on("error", () => finish(false));
  return {
    write(chunk) {
      if (over) return true;
      return zlib.write(chunk) || zlib.writableLength < MAX_WAITING_BYTES;
    },
    resume() {
      if (!over) zlib.resume();
    },
    end() {
      ended = true;
      if (over) sink.onDecodedEnd();
      else zlib.end();
    },
  };
}

function stream(encoding: string): Transform | undefined {
  // A cut answer is decoded as far as it goes.
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
    case "deflate":
      return createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
    case "br":
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
    default:
      return undefined;
  }
}
