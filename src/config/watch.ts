/**
 * Tells when one of several files has changed (the configuration, and the secrets and certificates that it names),
 * however it was changed: written in place, replaced by a rename (editors), or by swapping a symbolic link
 * (Kubernetes). Folder events make it quick; polling makes it certain,
 * because events are lost on network file systems and behind links.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Milliseconds for which events of the folder are gathered before the file is looked at. */
const EVENT_MS = 50;

export interface Watching {
  /** From now on these are watched, and no others. */
  follow(files: readonly string[]): void;
  /** Resolves when each of them has been looked at once: whatever changes from then on is told. */
  begun(): Promise<void>;
  close(): void;
}

export interface WatchOptions {
  /** Milliseconds between two looks at the file when no event says anything. */
  readonly pollMs?: number;
  /** Milliseconds the file must stay the same before a change counts, so that a half-written one is not read. */
  readonly settleMs?: number;
}

/** Calls `onChange` after each change of one of `files`. It never keeps the process alive. */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  { pollMs = 2_000, settleMs = 100 }: WatchOptions = {},
): Watching {
  const watches = new Map<string, Watch>();
  const follow = (wanted: readonly string[]): void => {
    for (const [file, watch] of watches) {
      if (wanted.includes(file)) continue;
      watch.close();
      watches.delete(file);
    }
    for (const file of wanted) {
      if (!watches.has(file)) watches.set(file, new Watch(file, onChange, pollMs, settleMs));
    }
  };
  follow(files);
  return {
    follow,
    async begun() {
      for (const watch of watches.values()) await watch.begun;
    },
    close: () => follow([]),
  };
}

class Watch {
  /** Settled when the file has been looked at for the first time. */
  readonly begun: Promise<unknown>;
  readonly #file: string;
  readonly #onChange: () => void;
  readonly #settleMs: number;
  readonly #poll: NodeJS.Timeout;
  readonly #watcher: FSWatcher | undefined;
  #settle: NodeJS.Timeout | undefined;
  #event: NodeJS.Timeout | undefined;
  /** What the file looked like when it was last reported, and when it was last looked at. */
  #reported: Promise<string>;
  #seen: string | undefined;
  #closed = false;

  constructor(file: string, onChange: () => void, pollMs: number, settleMs: number) {
    this.#file = file;
    this.#onChange = onChange;
    this.#settleMs = settleMs;
    this.#reported = signature(file);
    this.begun = this.#reported;
    this.#poll = setInterval(() => void this.#look(), pollMs).unref();
    this.#watcher = this.#watchFolder();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    clearTimeout(this.#event);
    this.#watcher?.close();
  }

  #watchFolder(): FSWatcher | undefined {
    try {
      const watcher = watch(dirname(this.#file), { persistent: false }, () => this.#onEvent());
      // Polling goes on when events end, as when the folder is removed.
      watcher.on("error", () => watcher.close());
      return watcher;
    } catch {
      return undefined;
    }
  }

  /** Events come for every file in the folder, and a log that grows there makes thousands a second. */
  #onEvent(): void {
    this.#event ??= setTimeout(() => {
      this.#event = undefined;
      void this.#look();
    }, EVENT_MS).unref();
  }

  /** Reports a change once the file looks the same `settleMs` after it was first seen so. */
  async #look(settled = false): Promise<void> {
    const [before, now] = [await this.#reported, await signature(this.#file)];
    if (this.#closed) return;
    if (now === before) {
      this.#seen = undefined;
    } else if (settled && now === this.#seen) {
      this.#seen = undefined;
      this.#reported = Promise.resolve(now);
      this.#onChange();
    } else if (now !== this.#seen) {
      this.#seen = now;
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => void this.#look(true), this.#settleMs).unref();
    }
  }
}

/** Differs whenever the file was written or replaced; links are followed. */
async function signature(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
  } catch {
    return "missing";
  }
}
