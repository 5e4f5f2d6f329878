/** Decodes a copy of a compressed answer for the meter, off the event loop, bounded against bombs. */
import type { Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** More decoded bytes than this are not read: no model answers so much. */
const MAX_DECODED_BYTES = 256 * 1024 * 1024;

export interface DecodedSink {
  onDecoded(chunk: Uint8Array): void;
  /** No more will come; `ok` is false when the data was not what it claimed to be. */
  onDecodedEnd(ok: boolean): void;
}

export interface Decoder {
  write(chunk: Uint8Array): void;
  end(): void;
}

/** A decoder for the value of `content-encoding`, or undefined when this is not an encoding we can read. */
export function createDecoder(encoding: string, sink: DecodedSink): Decoder | undefined {
  const zlib = stream(encoding);
  if (zlib === undefined) return undefined;
  let decoded = 0;
  let over = false;
  const finish = (ok: boolean): void => {
    if (over) return;
    over = true;
    sink.onDecodedEnd(ok);
    zlib.destroy();
  };
  zlib.on("data", (chunk: Buffer) => {
    decoded += chunk.length;
    if (decoded > MAX_DECODED_BYTES) finish(false);
    else if (!over) sink.onDecoded(chunk);
  });
  zlib.on("end", () => finish(true));
  zlib.on("error", () => finish(false));
  return {
    write(chunk) {
      if (!over) zlib.write(chunk);
    },
    end() {
      if (!over) zlib.end();
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
