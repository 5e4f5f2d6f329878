/** Reads JSON from an upstream that is no LLM call: balances and the like. Through the same transport, unmetered. */
import type { BellwetherError } from "../core/errors.ts";
import { addressOf } from "../upstreams/address.ts";
import { credentials } from "../upstreams/credentials.ts";
import type { AnswerSink, UpstreamExchange, UpstreamTransport } from "../upstreams/exchange.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { joined, utf8Text } from "../wire/bytes.ts";
import { ProbeFailure, type ReadAnswer } from "./probe.ts";
import { parseJson } from "./verdict.ts";

const MAX_BYTES = 1024 * 1024;

/**
 * `url` is a whole address, or a path at the upstream's origin; `key` is sent as a bearer token.
 * @throws ProbeFailure when no answer came.
 */
export async function readJson(
  transport: UpstreamTransport,
  upstream: Upstream,
  url: string,
  key: string | undefined,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  const elsewhere = !url.startsWith("/");
  const target = elsewhere ? new URL(url) : undefined;
  const path = target === undefined ? url : `${target.pathname}${target.search}`;
  const there = target === undefined || target.origin === addressOf(upstream).origin;
  const host = there ? upstream : siteOf(upstream, target.origin);
  const headers = ["accept", "application/json", ...(key === undefined ? [] : credentials(key, "openai"))];
  // Further headers may hold secrets of the upstream; another site is not told.
  if (there) for (const [name, value] of upstream.headers) headers.push(name, value);
  return new Promise((resolve, reject) => {
    const reader = new Reader(resolve, reject);
    const exchange = transport.send(host, { method: "GET", path, headers, body: undefined }, reader);
    reader.exchange = exchange;
    const abort = (): void => {
      exchange.abort();
      reject(new ProbeFailure("timeout", "no answer in time"));
    };
    signal.addEventListener("abort", abort, { once: true });
    reader.over = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}

const sites = new WeakMap<Upstream, Map<string, Upstream>>();

/** Another site, reached as the upstream is: a pool of connections belongs to each such object. */
function siteOf(upstream: Upstream, origin: string): Upstream {
  let known = sites.get(upstream);
  if (known === undefined) {
    known = new Map();
    sites.set(upstream, known);
  }
  let site = known.get(origin);
  if (site === undefined) {
    site = { ...upstream, baseUrl: origin, rootUrl: origin };
    known.set(origin, site);
  }
  return site;
}

class Reader implements AnswerSink {
  readonly #resolve: (answer: ReadAnswer) => void;
  readonly #reject: (error: Error) => void;
  exchange: UpstreamExchange | undefined;
  over: () => void = () => undefined;
  #status = 0;
  #headers = new Map<string, string>();
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(resolve: (answer: ReadAnswer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onInformation(): void {
    // The answer is still to come.
  }

  onHead(status: number, _text: string, headers: string[]): boolean {
    this.#status = status;
    for (let at = 0; at < headers.length; at += 2) {
      this.#headers.set((headers[at] ?? "").toLowerCase(), headers[at + 1] ?? "");
    }
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_BYTES) this.#pieces.push(chunk);
    else {
      this.exchange?.abort();
      this.over();
      this.#reject(
        new ProbeFailure("malformed", "the answer is longer than 1 MiB", { status: this.#status }),
      );
    }
    return true;
  }

  onEnd(): void {
    this.over();
    const json = this.#pieces.length === 0 ? undefined : parseJson(utf8Text(joined(this.#pieces)));
    this.#resolve({ status: this.#status, headers: this.#headers, json });
  }

  onFail(error: BellwetherError): void {
    this.over();
    this.#reject(new ProbeFailure(error.type, error.message));
  }
}
