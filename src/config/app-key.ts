/** An app's key as the configuration writes it: its hash, and until when it may be used. */

export interface AppKey {
  /** SHA-256 as lower-case hexadecimal digits. */
  readonly hash: string;
  /** Milliseconds since the epoch from which on it is refused; undefined when it does not expire. */
  readonly until: number | undefined;
}

export const APP_KEY_PATTERN =
  /^sha256:([0-9a-fA-F]{64})(?: until (\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?Z)?)?$/;

const DAY_MS = 86_400_000;

/** Reads a key that matches `APP_KEY_PATTERN`; undefined when its date is none. A day without a time is included. */
export function parseAppKey(text: string): AppKey | undefined {
  const [, hash = "", day, time] = APP_KEY_PATTERN.exec(text) ?? [];
  if (hash === "") return undefined;
  if (day === undefined) return { hash: hash.toLowerCase(), until: undefined };
  const at = Date.parse(`${day}${time ?? "T00:00:00Z"}`);
  // A day that the month does not have would become one of the next month.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== day) return undefined;
  return { hash: hash.toLowerCase(), until: time === undefined ? at + DAY_MS : at };
}
