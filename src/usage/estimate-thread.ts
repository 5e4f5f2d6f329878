/**
 * The gateway's estimator: counts tokens in a worker thread, so that the event loop of the data plane
 * never waits for it. The thread starts with the first estimate, ends when there has been nothing to do
 * for a while (its tables are large), and is started anew when it has died.
 */
import { Worker } from "node:worker_threads";
import { COUNTED_CHARACTERS, type Estimator, roughTokens, scaledTokens } from "./estimate.ts";
import { inThreadEstimator } from "./estimate-here.ts";
import type { Answer, Question } from "./estimate-worker.ts";

/** Questions the thread may have before it; beyond that estimates are rough. */
const MAX_WAITING = 256;
const IDLE_MS = 60_000;
/** A thread that dies without having answered anything is not started again for this long. */
const RESTART_MS = 30_000;

interface Waiting {
  readonly text: string;
  readonly totalCharacters: number;
  readonly counted: number;
  readonly resolve: (tokens: number) => void;
}

/** The worker beside this file; undefined when this file is TypeScript, which a worker cannot always load. */
function compiledWorker(): URL | undefined {
  return import.meta.url.endsWith(".js") ? new URL("./estimate-worker.js", import.meta.url) : undefined;
}

export class WorkerEstimator implements Estimator {
  readonly #url: URL | undefined;
  /** Counts instead of the thread while the sources run uncompiled, as in tests. */
  readonly #inThread = inThreadEstimator();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #answered = false;
  #notBefore = Number.NEGATIVE_INFINITY;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;
  #closed = false;

  /** `url` is the compiled estimate-worker.js. */
  constructor(url = compiledWorker()) {
    this.#url = url;
  }

  tokens(text: string, totalCharacters: number, model: string): Promise<number> {
    if (this.#url === undefined) return this.#inThread.tokens(text, totalCharacters, model);
    const worker = this.#waiting.size < MAX_WAITING ? this.#running(this.#url) : undefined;
    if (worker === undefined) return Promise.resolve(roughTokens(text, totalCharacters));
    const counted = text.slice(0, COUNTED_CHARACTERS);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, { text: counted, totalCharacters, counted: counted.length, resolve });
      // While somebody waits for an answer the process must not end.
      worker.ref();
      clearTimeout(this.#idle);
      worker.postMessage({ id, text: counted, model } satisfies Question);
    });
  }

  close(): void {
    this.#closed = true;
    this.#inThread.close();
    this.#stop();
  }

  #running(url: URL): Worker | undefined {
    if (this.#worker !== undefined) return this.#worker;
    if (this.#closed || performance.now() < this.#notBefore) return undefined;
    let worker: Worker;
    try {
      worker = new Worker(url);
    } catch {
      this.#notBefore = performance.now() + RESTART_MS;
      return undefined;
    }
    this.#answered = false;
    this.#worker = worker;
    worker.on("message", (answer: Answer) => this.#onAnswer(answer, worker));
    worker.on("error", () => this.#onDeath(worker));
    worker.on("exit", () => this.#onDeath(worker));
    return worker;
  }

  #onAnswer(answer: Answer, worker: Worker): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#answered = true;
    this.#waiting.delete(answer.id);
    waiting.resolve(
      answer.tokens === undefined
        ? roughTokens(waiting.text, waiting.totalCharacters)
        : scaledTokens(answer.tokens, waiting.counted, waiting.totalCharacters),
    );
    if (this.#waiting.size > 0) return;
    worker.unref();
    this.#idle = setTimeout(() => this.#stop(), IDLE_MS).unref();
  }

  #onDeath(worker: Worker): void {
    if (this.#worker !== worker) return;
    if (!this.#answered) this.#notBefore = performance.now() + RESTART_MS;
    this.#stop();
  }

  /** Ends the thread; whoever still waits gets a rough estimate. */
  #stop(): void {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate().catch(() => undefined);
    for (const waiting of this.#waiting.values()) {
      waiting.resolve(roughTokens(waiting.text, waiting.totalCharacters));
    }
    this.#waiting.clear();
  }
}
