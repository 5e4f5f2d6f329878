/** Keeps what probes have cost today in a small file, over restarts. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "../core/log.ts";
import { formatUsd, type Pico, scaled } from "../core/money.ts";
import type { KeptSpend, SpendMemory } from "./spend.ts";

const VERSION = 1;
const PLACES = 12;

/** As it stands in the file: dollars, as exact decimal numbers. */
interface Written {
  readonly version: number;
  readonly day: number;
  readonly spentUsd: string;
  readonly lastRunUsd: Readonly<Record<string, string>>;
}

export class SpendFile implements SpendMemory {
  readonly #path: string;
  readonly #log: Logger;
  #failing = false;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  async load(): Promise<KeptSpend | undefined> {
    try {
      return read(JSON.parse(await readFile(this.#path, "utf8")) as Written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        const fields = { err: error, file: this.#path };
        this.#log.warn(fields, "what probes have cost today cannot be read; it is counted anew");
      }
      return undefined;
    }
  }

  /** Writes beside and renames, so that there is always a whole file. */
  async save({ day, spent, last }: KeptSpend): Promise<void> {
    const written: Written = {
      version: VERSION,
      day,
      spentUsd: formatUsd(spent),
      lastRunUsd: Object.fromEntries([...last].map(([probe, cost]) => [probe, formatUsd(cost)])),
    };
    const unfinished = `${this.#path}.${process.pid}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(unfinished, `${JSON.stringify(written)}\n`);
      await rename(unfinished, this.#path);
      this.#failing = false;
    } catch (error) {
      if (this.#failing) return;
      this.#failing = true;
      const fields = { err: error, file: this.#path };
      this.#log.warn(
        fields,
        "what probes have cost today cannot be kept; after a restart it is counted anew",
      );
    }
  }
}

/** @throws when it is not what was written. */
function read({ version, day, spentUsd, lastRunUsd }: Written): KeptSpend {
  if (version !== VERSION || !Number.isInteger(day)) throw new Error("not a file of this version");
  const last = Object.entries(lastRunUsd).map(([probe, usd]): [string, Pico] => [probe, scaled(usd, PLACES)]);
  return { day, spent: scaled(spentUsd, PLACES), last: new Map(last) };
}
