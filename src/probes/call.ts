/**
 * A probe's call on the gateway's own path: the same preparation, transport, meter, prices and metrics as a
 * client's, to one certain upstream. Here is the client, held in memory.
 */

import { anonymousApp } from "../gateway/access.ts";
import { handle } from "../gateway/handle.ts";
import type { ClientExchange, ClientListener } from "../gateway/ports.ts";
import type { Settings, Surroundings } from "../gateway/state.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { type Estimator, roughTokens } from "../usage/estimate.ts";
import { Recorders } from "../usage/recorders.ts";
import { PROBE_APP, type Recorder, type Usage } from "../usage/usage.ts";
import type { ProbeAnswer, ProbeRequest } from "./probe.ts";
import { parseJson, record } from "./verdict.ts";

/** More of an answer is not kept; lists of models of the largest relays are some hundred KiB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Sends it and resolves when the call is settled, whatever came of it. */
export function callUpstream(
  upstream: Upstream,
  request: ProbeRequest,
  settings: Settings,
  around: Surroundings,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const client = new MemoryClient(request);
    const leave = (): void => client.leave();
    const recorder = new OneCall((usage) => {
      signal.removeEventListener("abort", leave);
      resolve(client.answer(usage));
    });
    const own: Settings = {
      access: { mode: "none", apps: new Map(), caller: { ...anonymousApp, name: PROBE_APP } },
      bodyLimit: NO_LIMIT,
      prices: settings.prices,
      probe: true,
      ownModels: new Set(),
      plan: (model) => ({ upstream, model }),
      modelLabel: settings.modelLabel,
    };
    signal.addEventListener("abort", leave);
    const recorders = new Recorders([around.recorder, recorder]);
    handle(client, own, { ...around, recorder: recorders, estimator: roughly });
    if (signal.aborted) leave();
  });
}

/** A probe is a few tokens: not worth loading a tokenizer for, nor waiting for its thread. */
const roughly: Estimator = {
  tokens: (text, totalCharacters) => Promise.resolve(roughTokens(text, totalCharacters)),
  close: () => undefined,
};

/** Hears of the end of its call. */
class OneCall implements Recorder {
  readonly #settled: (usage: Usage) => void;

  constructor(settled: (usage: Usage) => void) {
    this.#settled = settled;
  }

  started(): void {
    // Only the end matters.
  }

  settled(usage: Usage): void {
    this.#settled(usage);
  }
}

class MemoryClient implements ClientExchange {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly http10 = false;
  readonly #body: Uint8Array | undefined;
  readonly #headers = new Map<string, string>();
  #listener: ClientListener | undefined;
  #status = 0;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor({ method, path, body, headers = [] }: ProbeRequest) {
    this.method = method;
    this.target = path;
    this.#body = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const type = body === undefined ? [] : ["content-type", "application/json"];
    this.rawHeaders = ["host", "probe", "user-agent", "bellwether-probe", ...type, ...headers];
  }

  readBody(_limit: number, listener: ClientListener): void {
    this.#listener = listener;
    listener.onBody(this.#body);
  }

  leave(): void {
    this.#listener?.onGone();
  }

  distrust(): void {
    // No connection, no second request.
  }

  inform(): void {
    // Only the answer matters.
  }

  head(status: number, _statusText: string, headers: string[]): void {
    this.#status = status;
    for (let at = 0; at < headers.length; at += 2) {
      this.#headers.set((headers[at] ?? "").toLowerCase(), headers[at + 1] ?? "");
    }
  }

  write(chunk: Uint8Array): boolean {
    this.#size += chunk.length;
    if (this.#size <= MAX_BODY_BYTES) this.#pieces.push(chunk);
    return true;
  }

  end(): void {
    // The settlement tells.
  }

  cut(): void {
    // The settlement tells.
  }

  answer(usage: Usage): ProbeAnswer {
    const body = Buffer.concat(this.#pieces).toString("utf8");
    const own = usage.errorCode === undefined ? undefined : ownError(body, usage.errorCode);
    return { status: usage.status || this.#status, headers: this.#headers, body, usage, error: own };
  }
}

/** The gateway's own words for what went wrong, from its error body. */
function ownError(body: string, code: string): { readonly message: string } {
  const error = record(record(parseJson(body))?.error);
  return { message: typeof error?.message === "string" ? error.message : code };
}
