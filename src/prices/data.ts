/** Reads price files from disk: the built-in ones beside this file, and those that the configuration names. */
import { readFileSync } from "node:fs";
import { PriceLists } from "./lists.ts";
import type { PriceFile } from "./price-file.ts";
import { parsePriceFile } from "./price-file-check.ts";

/** The relay's own list, then what is kept by hand, then the generated list prices. */
const builtIn = ["holysheep.json", "vendor-extras.json", "list-prices.json"] as const;

/**
 * All price lists. Built-in files are ours and tested, so they are not validated again at each start;
 * `paths` are, and count before the built-in ones, the first one first.
 * @throws Error naming the file and the model when one of them cannot be used.
 */
export function loadPriceLists(paths: readonly string[] = []): PriceLists {
  return new PriceLists([...paths.map(readPriceFile), ...builtInFiles()]);
}

export function builtInFiles(): readonly PriceFile[] {
  return builtIn.map((name) => JSON.parse(readFileSync(new URL(`./data/${name}`, import.meta.url), "utf8")));
}

export function readPriceFile(path: string): PriceFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`price file ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parsePriceFile(text, path);
}
