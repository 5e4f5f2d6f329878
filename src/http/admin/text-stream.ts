/** Text that comes in pieces as the body of a Response: the next piece is asked for when the client has read the last. */

/** A piece that fails ends the body amid it, which the client sees. With `signal` aborted no more is asked for. */
export function textStream(pieces: AsyncIterable<string>, signal: AbortSignal): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (signal.aborted) await iterator.return?.();
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
