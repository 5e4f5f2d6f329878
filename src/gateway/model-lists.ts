/**
 * Learns which models an upstream knows, from its own `/v1/models`, so that a model newer than every price
 * list still gets its own label. Asked only when a call names a model that nothing else knows, and rarely.
 */
import type { Clock } from "../core/clock.ts";
import type { BoundedLabels } from "../metrics/bounded-labels.ts";
import { OTHER } from "../metrics/bounded-labels.ts";
import { upstreamPath } from "../upstreams/address.ts";
import { credentials } from "../upstreams/credentials.ts";
import type { AnswerSink, UpstreamTransport } from "../upstreams/exchange.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Call, Recorder } from "../usage/usage.ts";
import { gather, joined, utf8Text } from "../wire/bytes.ts";

/** An upstream is asked at most this often. */
const INTERVAL_MS = 10 * 60 * 1000;
const MAX_LIST_BYTES = 4 * 1024 * 1024;
/** A list that goes on longer is not a list of models. */
const MAX_NAMES = 10_000;
const MAX_NAME_LENGTH = 200;

export class ModelLists implements Recorder {
  readonly #transport: UpstreamTransport;
  readonly #labels: BoundedLabels;
  readonly #clock: Clock;
  readonly #upstreams: () => readonly Upstream[];
  readonly #askedAt = new Map<string, number>();

  constructor(
    transport: UpstreamTransport,
    labels: BoundedLabels,
    clock: Clock,
    upstreams: () => readonly Upstream[],
  ) {
    this.#transport = transport;
    this.#labels = labels;
    this.#clock = clock;
    this.#upstreams = upstreams;
  }

  started({ modelLabel, modelSent, upstream: name }: Call): void {
    if (modelLabel !== OTHER || modelSent === "") return;
    const now = this.#clock.monotonic();
    const askedAt = this.#askedAt.get(name);
    if (askedAt !== undefined && now - askedAt < INTERVAL_MS) return;
    const upstream = this.#upstreams().find((each) => each.name === name);
    // Where clients bring their own keys there is none to ask with.
    if (upstream?.apiKey === undefined || !upstream.dialects.has("openai-models")) return;
    this.#askedAt.set(name, now);
    const headers = credentials(
      upstream.apiKey,
      upstream.dialects.has("openai-chat") ? "openai" : "anthropic",
    );
    const request = { method: "GET", path: upstreamPath(upstream, "/v1/models"), headers, body: undefined };
    this.#transport.send(upstream, request, new ListReader((names) => this.#labels.allow(names)));
  }

  settled(): void {
    // Only the start of a call tells its model.
  }
}

/** Collects an answer and reads its model names; whatever is wrong with it, there are just none. */
class ListReader implements AnswerSink {
  readonly #found: (names: string[]) => void;
  #pieces: Uint8Array[] | undefined;
  #bytes = 0;

  constructor(found: (names: string[]) => void) {
    this.#found = found;
  }

  onInformation(): void {
    // The list is still to come.
  }

  onHead(status: number): boolean {
    if (status === 200) this.#pieces = [];
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_LIST_BYTES) this.#pieces = undefined;
    if (this.#pieces !== undefined) gather(this.#pieces, chunk);
    return true;
  }

  onEnd(): void {
    if (this.#pieces !== undefined && this.#pieces.length > 0) this.#found(modelNames(joined(this.#pieces)));
  }

  onFail(): void {
    // The next unknown model asks again, after the interval.
  }
}

/** Names in OpenAI's and Anthropic's list of models: `{data: [{id}]}`. */
export function modelNames(body: Uint8Array): string[] {
  let list: unknown;
  try {
    list = (JSON.parse(utf8Text(body)) as { data?: unknown } | null)?.data;
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list
    .slice(0, MAX_NAMES)
    .map((entry: unknown) => (entry as { id?: unknown } | null)?.id)
    .filter((id): id is string => typeof id === "string" && id !== "" && id.length <= MAX_NAME_LENGTH);
}
