/**
 * The answer that the app gets: the platform's own Response, whose body is read through a tap.
 *
 * In Node.js making a Response with a stream costs more than all metering together, so there the Response that
 * came is kept and only its ways to the body are replaced. Elsewhere a Response may be handed on to code that
 * is not JavaScript, as from a worker to its client, so there it is a new one around the tapped stream.
 */
import type { Tap } from "./tap.ts";

const TAP = Symbol("tap");
const BODY = Symbol("body");
const STREAM = Symbol("stream");
const COPY = Symbol("copy");

interface InPlace extends Response {
  [TAP]: Tap;
  /** As it came. */
  [BODY]: ReadableStream<Uint8Array>;
  /** The tapped body, once the app has asked for it. */
  [STREAM]?: ReadableStream<Uint8Array>;
  /** After `clone`, what is left for this one. */
  [COPY]?: Response;
}

/** `edited`: what the app gets is shorter than the upstream announced. */
export function meteredResponse(
  response: Response,
  body: ReadableStream<Uint8Array>,
  tap: Tap,
  edited: boolean,
): Response {
  const announced = edited && response.headers.has("content-length");
  if (node === undefined)
    node = isNode() ? { native: Response.prototype, metered: prototypeOfMetered() } : null;
  if (!announced && node !== null && Object.getPrototypeOf(response) === node.native) {
    // In this order: what is added to an object after its prototype has changed gives it a hidden class of its own,
    // and all code that it passes through has to look up everything anew.
    const metered = response as InPlace;
    metered[TAP] = tap;
    metered[BODY] = body;
    Object.setPrototypeOf(metered, node.metered);
    tap.settleWith(metered);
    return metered;
  }
  const { status, statusText, headers, url, redirected } = response;
  let kept = headers;
  if (announced) {
    kept = new Headers(headers);
    kept.delete("content-length");
  }
  const stream = tap.stream(body);
  tap.settleWith(stream);
  return located(new Response(stream, { status, statusText, headers: kept }), url, redirected);
}

/** A Response that is constructed has no address; this one came from somewhere. */
function located(response: Response, url: string, redirected: boolean): Response {
  if (url !== "") Object.defineProperty(response, "url", { value: url });
  if (redirected) Object.defineProperty(response, "redirected", { value: true });
  return response;
}

function isNode(): boolean {
  const versions = globalThis.process?.versions as Record<string, string | undefined> | undefined;
  return versions?.node !== undefined && versions.bun === undefined && versions.deno === undefined;
}

/** The platform's Response and ours, which inherits from it, made when first needed; null where none is replaced. */
let node: { readonly native: Response; readonly metered: object } | null | undefined;

function prototypeOfMetered(): object {
  const native = Response.prototype;
  const nativeBodyUsed = Object.getOwnPropertyDescriptor(native, "bodyUsed")?.get as (
    this: Response,
  ) => boolean;

  const streamOf = (response: InPlace): ReadableStream<Uint8Array> | null => {
    if (response[COPY] !== undefined) return response[COPY].body;
    if (response[STREAM] !== undefined) return response[STREAM];
    if (response[TAP].taken) return response[BODY];
    const stream = response[TAP].stream(response[BODY], response);
    response[STREAM] = stream;
    return stream;
  };
  /** The tap, where it may read the whole body at once. */
  const wholeOf = (response: InPlace): Tap | undefined =>
    response[COPY] === undefined && response[TAP].readsWhole ? response[TAP] : undefined;
  /** A body that is being read already is refused as ever, by a promise that fails. */
  const inPieces = async (response: InPlace): Promise<Response> => {
    if (response[COPY] !== undefined) return response[COPY];
    return nativeBodyUsed.call(response) ? response : new Response(streamOf(response));
  };
  const bytesOf = (response: InPlace): Promise<ArrayBuffer> =>
    wholeOf(response)?.bytes(native.arrayBuffer.call(response)) ??
    inPieces(response).then((pieces) => native.arrayBuffer.call(pieces));

  const methods = {
    arrayBuffer: {
      value: function (this: InPlace) {
        return bytesOf(this);
      },
    },
    bytes: {
      value: async function (this: InPlace) {
        return new Uint8Array(await bytesOf(this));
      },
    },
    text: {
      value: function (this: InPlace) {
        return wholeOf(this)?.text(this[BODY]) ?? inPieces(this).then((pieces) => native.text.call(pieces));
      },
    },
    json: {
      value: function (this: InPlace) {
        return wholeOf(this)?.json(this[BODY]) ?? inPieces(this).then((pieces) => native.json.call(pieces));
      },
    },
    blob: {
      value: async function (this: InPlace) {
        return new Blob([await bytesOf(this)], { type: this.headers.get("content-type") ?? "" });
      },
    },
    formData: {
      value: async function (this: InPlace) {
        return new Response(await bytesOf(this), { headers: this.headers }).formData();
      },
    },
    clone: {
      value: function (this: InPlace): Response {
        const { status, statusText, headers, url, redirected } = this;
        let copy = this[COPY]?.clone();
        if (copy === undefined) {
          const [mine, theirs] = (streamOf(this) ?? new ReadableStream()).tee();
          this[COPY] = new Response(mine, { status, statusText, headers });
          copy = new Response(theirs, { status, statusText, headers });
        }
        return located(copy, url, redirected);
      },
    },
    bodyUsed: {
      get(this: InPlace) {
        return this[COPY] === undefined ? nativeBodyUsed.call(this) : this[COPY].bodyUsed;
      },
    },
    body: {
      get(this: InPlace) {
        return streamOf(this);
      },
    },
  };
  for (const property of Object.values(methods)) Object.assign(property, { configurable: true });
  return Object.create(native, methods) as object;
}
