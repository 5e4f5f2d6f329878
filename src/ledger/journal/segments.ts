/** The files of a journal: their names, their order, and what they hold together. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface SegmentName {
  readonly file: string;
  readonly writer: string;
  /** Counted from 1 for each writer. */
  readonly number: number;
}

export interface SegmentFile extends SegmentName {
  readonly bytes: number;
  /** Wall-clock milliseconds; only good to see whether it has changed. */
  readonly changedAt: number;
}

const NAME = /^([0-9a-f-]{36})\.(\d{8})\.journal$/;

/** A writer is a UUIDv7, so that names sort by the time their writers began. */
export function segmentFile(writer: string, number: number): string {
  return `${writer}.${String(number).padStart(8, "0")}.journal`;
}

/** The segments of a folder, oldest writer first; none when there is no such folder. */
export async function listSegments(folder: string): Promise<SegmentFile[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const found = await Promise.all(
    files.sort().map(async (file): Promise<SegmentFile | undefined> => {
      const [, writer, number] = NAME.exec(file) ?? [];
      if (writer === undefined) return undefined;
      // Another process may just have deleted it.
      const stats = await stat(join(folder, file)).catch(() => undefined);
      if (stats === undefined) return undefined;
      return { file, writer, number: Number(number), bytes: stats.size, changedAt: stats.mtimeMs };
    }),
  );
  return found.filter((segment) => segment !== undefined);
}

/** Whether a writer may still write to it: its last, as far as the list tells. */
export function isLast(segment: SegmentName, segments: readonly SegmentName[]): boolean {
  return !segments.some(({ writer, number }) => writer === segment.writer && number > segment.number);
}
