/**
 * Writes generated files so that writing them again changes nothing, and nothing that a user has edited is lost. Beside
 * the files lies a list of what was written; a file that differs from it was edited.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StackFile } from "./stack-file.ts";

export type Written = "written" | "unchanged" | "kept";

export interface WriteResult {
  readonly path: string;
  /** `kept`: it was edited, and is left alone. */
  readonly result: Written;
}

const LIST = ".bellwether-stack.json";

type Hashes = Readonly<Record<string, string>>;

/** @throws the system's error when a file cannot be written */
export async function writeFiles(
  folder: string,
  files: readonly StackFile[],
  options: { readonly force: boolean },
): Promise<WriteResult[]> {
  const before = await readList(folder);
  const after: Record<string, string> = {};
  const results: WriteResult[] = [];
  for (const { path, text } of files) {
    const target = join(folder, path);
    const there = await contentOf(target);
    const edited = there !== undefined && hashOf(there) !== before[path];
    if (there === text) {
      after[path] = hashOf(text);
      results.push({ path, result: "unchanged" });
    } else if (edited && !options.force) {
      const known = before[path];
      if (known !== undefined) after[path] = known;
      results.push({ path, result: "kept" });
    } else {
      await writeWhole(target, text);
      after[path] = hashOf(text);
      results.push({ path, result: "written" });
    }
  }
  await writeWhole(join(folder, LIST), `${JSON.stringify(after, null, 2)}\n`);
  return results;
}

async function readList(folder: string): Promise<Hashes> {
  const text = await contentOf(join(folder, LIST));
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as Hashes;
  } catch {
    // Without the list every file counts as edited, and none is overwritten.
    return {};
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  await writeFile(unfinished, text);
  await rename(unfinished, path);
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
