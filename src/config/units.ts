/** Durations (`250ms`, `5s`, `2m`, `24h`) and sizes (`32MiB`, `1MB`) as people write them, both ways. */

const MS_PER = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES_PER = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  KiB: 2 ** 10,
  MB: 1e6,
  MiB: 2 ** 20,
  GB: 1e9,
  GiB: 2 ** 30,
} as const;

/** The longest delay that timers can hold: 2³¹ − 1 ms, a little under 25 days. */
export const MAX_DURATION_MS = 2_147_483_647;

export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?) ?(B|kB|KB|KiB|MB|MiB|GB|GiB)$/;

/** Reads a duration; milliseconds, rounded to a whole one, or undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  return measure(text, DURATION_PATTERN, MS_PER);
}

/** Reads a size; bytes, rounded to a whole one, or undefined when it is not a size. */
export function parseSize(text: string): number | undefined {
  return measure(text, SIZE_PATTERN, BYTES_PER);
}

/** Writes milliseconds with the largest unit that divides them: `120000` → `2m`, `1500` → `1500ms`. */
export function formatDuration(ms: number): string {
  return withLargestUnit(ms, [
    ["h", MS_PER.h],
    ["m", MS_PER.m],
    ["s", MS_PER.s],
    ["ms", 1],
  ]);
}

/** Writes bytes with the largest unit that divides them: `33554432` → `32MiB`, `1000` → `1kB`. */
export function formatSize(bytes: number): string {
  return withLargestUnit(bytes, [
    ["GiB", BYTES_PER.GiB],
    ["MiB", BYTES_PER.MiB],
    ["KiB", BYTES_PER.KiB],
    ["GB", BYTES_PER.GB],
    ["MB", BYTES_PER.MB],
    ["kB", BYTES_PER.kB],
    ["B", 1],
  ]);
}

function measure(text: string, pattern: RegExp, factors: Readonly<Record<string, number>>) {
  const [, amount, unit = ""] = pattern.exec(text) ?? [];
  const factor = factors[unit];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

function withLargestUnit(value: number, units: readonly (readonly [string, number])[]): string {
  const [unit, factor] = units.find(([, size]) => value >= size && value % size === 0) ??
    units.at(-1) ?? ["", 1];
  return `${value / factor}${unit}`;
}
