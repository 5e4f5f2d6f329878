/** Server-sent events: one snapshot a second for all who watch; none is made while nobody does. */
import { BellwetherError } from "../../core/errors.ts";

export interface EventsOptions {
  /** What is told, made once for all watchers. */
  snapshot(): Promise<object>;
  /** A snapshot could not be made; told once until one can again. */
  failed(error: Error): void;
}

const EVENTS_MS = 1_000;
/** Who has read nothing for so many snapshots is let go; a page that lives connects again. */
const MOST_MISSED = 30;
const MOST_WATCHERS = 100;
/** Browsers connect again after this long. */
const RETRY_MS = 2_000;

interface Watcher {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Snapshots in a row that were not taken. */
  missed: number;
}

export class Events {
  readonly #options: EventsOptions;
  readonly #watchers = new Set<Watcher>();
  readonly #encoder = new TextEncoder();
  #timer: NodeJS.Timeout | undefined;
  #latest: { readonly bytes: Uint8Array; readonly at: number } | undefined;
  #telling = false;
  #failing = false;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** @throws BellwetherError `too_many_watchers` */
  response(): Response {
    if (this.#watchers.size >= MOST_WATCHERS) {
      throw new BellwetherError("too_many_watchers", { limit: MOST_WATCHERS });
    }
    let mine: Watcher | undefined;
    // One piece waits in the stream at most: who reads slowly gets fewer snapshots, and the newest ones.
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        mine = { controller, missed: 0 };
        this.#join(mine);
      },
      cancel: () => {
        if (mine !== undefined) this.#leave(mine);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  /** Ends every stream. */
  close(): void {
    for (const watcher of [...this.#watchers]) {
      this.#leave(watcher);
      watcher.controller.close();
    }
  }

  #join(watcher: Watcher): void {
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => void this.#tell(), EVENTS_MS).unref();
    const latest = this.#latest;
    // Whoever joins gets what the others had last, unless nobody watched for a while.
    if (latest !== undefined && performance.now() - latest.at < 2 * EVENTS_MS) {
      watcher.controller.enqueue(latest.bytes);
    } else void this.#tell();
  }

  async #tell(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    try {
      const data = JSON.stringify(await this.#options.snapshot());
      const bytes = this.#encoder.encode(`event: overview\nretry: ${RETRY_MS}\ndata: ${data}\n\n`);
      this.#latest = { bytes, at: performance.now() };
      this.#failing = false;
      for (const watcher of [...this.#watchers]) this.#give(watcher, bytes);
    } catch (error) {
      if (!this.#failing) this.#options.failed(error as Error);
      this.#failing = true;
    } finally {
      this.#telling = false;
    }
  }

  #give(watcher: Watcher, bytes: Uint8Array): void {
    if ((watcher.controller.desiredSize ?? 0) > 0) {
      watcher.missed = 0;
      watcher.controller.enqueue(bytes);
      return;
    }
    if (++watcher.missed < MOST_MISSED) return;
    this.#leave(watcher);
    watcher.controller.error(new Error("it reads nothing"));
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
