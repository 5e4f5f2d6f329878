/** A small client of OpenAI's API as relays speak it, for apps that want no SDK; metered like any other. */
import { defaultUpstream } from "../config/defaults.ts";
import { BellwetherError } from "../core/errors.ts";
import { type BaseUrls, parseBaseUrl } from "../upstreams/base-url.ts";
import { presetNamed } from "../upstreams/presets.ts";
import { fields } from "../usage/dialects/fields.ts";
import { EventSplitter, readEvent } from "../wire/sse.ts";
import { ApiError, apiErrorOf } from "./api-error.ts";
import type {
  CallOptions,
  ChatChunk,
  ChatCompletion,
  ChatParams,
  Embeddings,
  EmbeddingsParams,
  Images,
  ImagesParams,
  Model,
} from "./client-types.ts";
import { failureOf } from "./failure.ts";
import { createMeter, type Meter } from "./meter.ts";
import type { MeterOptions } from "./options.ts";

export interface ClientOptions extends MeterOptions {
  /** As for an OpenAI client: `https://relay.example/v1`. Needed unless `preset` names a known relay. */
  readonly baseUrl?: string;
  /** Sent as `Authorization: Bearer …`. A function is asked at each call. */
  readonly apiKey?: string | (() => string | Promise<string>);
  /** Headers of every call. */
  readonly headers?: Readonly<Record<string, string>>;
}

const DEFAULT_RETRIES = 2;
const { connect: _, ...DEFAULT_TIMEOUTS } = defaultUpstream.timeouts;

/**
 * Errors: `ApiError` where the API refused, with its `code` and `status`; `BellwetherError` with the `code` of
 * docs/errors.md where there was no answer (`upstream_unreachable`, `upstream_idle_timeout`, …); the signal's
 * reason where the app aborted.
 */
export class Bellwether {
  readonly meter: Meter;
  readonly #baseUrl: string;
  readonly #options: ClientOptions;

  /** @throws RangeError or Error when an option is wrong. */
  constructor(options: ClientOptions) {
    const baseUrl = options.baseUrl ?? (options.preset && presetNamed(options.preset)?.baseUrl);
    if (baseUrl === undefined) throw new RangeError("baseUrl: give the relay's address, or a `preset`.");
    this.#options = options;
    this.meter = createMeter({
      ...options,
      baseUrl,
      retries: options.retries ?? DEFAULT_RETRIES,
      timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    });
    // The meter has checked it.
    this.#baseUrl = (parseBaseUrl(baseUrl) as BaseUrls).baseUrl;
  }

  chat(params: ChatParams, options?: CallOptions): Promise<ChatCompletion> {
    return this.#json("/chat/completions", { ...params, stream: false }, options);
  }

  /** The call is made when the first chunk is asked for; leaving the loop ends it. */
  async *chatStream(params: ChatParams, options?: CallOptions): AsyncGenerator<ChatChunk, void, undefined> {
    const response = await this.#send("/chat/completions", { ...params, stream: true }, options);
    if (response.body === null) return;
    const events = new Events();
    const reader = response.body.getReader();
    let ended = false;
    try {
      while (!ended) {
        const { done, value } = await reader
          .read()
          .catch((error: unknown) => this.#rethrow(error, options, true));
        ended = done;
        for (const data of done ? events.end() : events.take(value)) {
          const chunk = parsedChunk(data);
          if (chunk.error !== undefined && chunk.error !== null) {
            throw new ApiError(response.status, response.headers.get("x-request-id") ?? "", chunk);
          }
          yield chunk as unknown as ChatChunk;
        }
      }
    } finally {
      if (!ended) await reader.cancel().catch(() => undefined);
    }
  }

  embeddings(params: EmbeddingsParams, options?: CallOptions): Promise<Embeddings> {
    return this.#json("/embeddings", params, options);
  }

  images(params: ImagesParams, options?: CallOptions): Promise<Images> {
    return this.#json("/images/generations", params, options);
  }

  async models(options?: CallOptions): Promise<readonly Model[]> {
    const { data } = await this.#json<{ readonly data: readonly Model[] }>("/models", undefined, options);
    return data;
  }

  async #json<T>(path: string, body: object | undefined, options: CallOptions | undefined): Promise<T> {
    const response = await this.#send(path, body, options);
    const text = await response.text().catch((error: unknown) => this.#rethrow(error, options, true));
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      const why = "its body is not JSON";
      throw new BellwetherError("upstream_malformed", { upstream: this.#baseUrl, why }, error);
    }
  }

  async #send(path: string, body: object | undefined, options: CallOptions | undefined): Promise<Response> {
    const { apiKey, headers } = this.#options;
    const key = typeof apiKey === "function" ? await apiKey() : apiKey;
    const init = {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
        ...options?.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(options?.signal === undefined ? {} : { signal: options.signal }),
    };
    const response = await this.meter
      .fetch(this.#baseUrl + path, init)
      .catch((error: unknown) => this.#rethrow(error, options, false));
    if (!response.ok) throw await apiErrorOf(response);
    return response;
  }

  /** What `fetch` threw, as an error with a code; what the app itself did stays as it is. */
  #rethrow(error: unknown, options: CallOptions | undefined, begun: boolean): never {
    if (options?.signal?.aborted === true) throw error;
    throw failureOf(error, this.#options.upstream ?? this.#baseUrl, begun);
  }
}

/** The `data` of a stream's events, until `[DONE]`. */
class Events {
  #found: string[] = [];
  readonly #splitter = new EventSplitter(this, false);

  take(bytes: Uint8Array): string[] {
    this.#splitter.push(bytes);
    return this.#taken();
  }

  end(): string[] {
    this.#splitter.finish();
    return this.#taken();
  }

  event(bytes: Uint8Array, start: number, end: number): boolean {
    const { data } = readEvent(bytes, start, end);
    if (data !== undefined && data !== "[DONE]") this.#found.push(data);
    return false;
  }

  #taken(): string[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }
}

function parsedChunk(data: string): Readonly<Record<string, unknown>> {
  try {
    return fields(JSON.parse(data));
  } catch (error) {
    const why = "an event of its stream is not JSON";
    throw new BellwetherError("upstream_malformed", { upstream: "the relay", why }, error);
  }
}
