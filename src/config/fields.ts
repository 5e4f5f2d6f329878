/** The kinds of value the schema is made of: durations, sizes, names. */
import * as z from "zod";
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  MAX_DURATION_MS,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from "./units.ts";

/** A duration with a default in milliseconds; given in the file as text with a unit. */
export function duration(defaultMs: number, limits: { min?: number } = {}) {
  return givenDuration(limits).prefault(formatDuration(defaultMs));
}

/** The same without a default. */
export function givenDuration({ min = 1 }: { min?: number } = {}) {
  return z
    .string()
    .regex(DURATION_PATTERN, "is not a duration; write a number and ms, s, m, h or d, as 250ms or 5s")
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= min && ms <= MAX_DURATION_MS) return ms;
      context.addIssue({ code: "custom", message: `must be between ${formatDuration(min)} and 24d` });
      return z.NEVER;
    })
    .meta({ "x-type": "duration" });
}

/** A size with its limits and default in bytes; given in the file as text with a unit. */
export function size(defaultBytes: number, { min, max }: { min: number; max: number }) {
  return z
    .string()
    .regex(SIZE_PATTERN, "is not a size; write a number and B, KiB, MiB, GiB, kB, MB or GB, as 32MiB")
    .transform((text, context) => {
      const bytes = parseSize(text);
      if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
      context.addIssue({
        code: "custom",
        message: `must be between ${formatSize(min)} and ${formatSize(max)}`,
      });
      return z.NEVER;
    })
    .meta({ "x-type": "size" })
    .prefault(formatSize(defaultBytes));
}

/** `none`, `other` and `anonymous` are label values with a meaning of their own. */
export function label(kind: string, reserved: readonly string[]) {
  return z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      `is not a name for ${kind}; use up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
    )
    .refine((name) => !reserved.includes(name), `is reserved; choose another name for ${kind}`);
}

export const modelName = z
  .string()
  .min(1, "must not be empty")
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, "must not contain control characters");

const FACTOR_OF = { k: 1e3, K: 1e3, M: 1e6, G: 1e9 } as const;
const QUANTITY_PATTERN = /^(\d+(?:\.\d+)?) ?(k|K|M|G)$/;

/** A whole number of calls or tokens, at least 1; thousands, millions and billions as `20k`, `1M`, `1.5G`. */
export function quantity() {
  return z
    .union([
      z.int().min(1).max(Number.MAX_SAFE_INTEGER),
      z
        .string()
        .regex(QUANTITY_PATTERN, "is not a number; write it as 600, 20k, 1M or 1.5G")
        .transform((text) => {
          const [, amount, unit = ""] = QUANTITY_PATTERN.exec(text) ?? [];
          return Math.round(Number(amount) * FACTOR_OF[unit as keyof typeof FACTOR_OF]);
        })
        .refine((amount) => amount >= 1 && Number.isSafeInteger(amount), "must be at least 1"),
    ])
    .meta({ "x-type": "quantity" });
}

/** The IANA name of a time zone. */
export const timeZone = z
  .string()
  .refine(isTimeZone, "is not a time zone; write its IANA name, as Asia/Shanghai");

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
