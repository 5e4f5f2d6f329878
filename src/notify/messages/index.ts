/** The languages that notifications can be written in. */
import { de } from "./de.ts";
import { en } from "./en.ts";
import type { Messages } from "./messages.ts";
import { vi } from "./vi.ts";
import { zh } from "./zh.ts";

export const languages = { en, zh, de, vi } as const satisfies Record<string, Messages>;
export type Language = keyof typeof languages;

/** Puts values into a message's places: `{count}` becomes `values.count`. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}
