/** Values as people read them, in the reader's language and time zone, always with their unit. */
import type { Unit } from "../../src/http/api.ts";

export type Value = string | number | boolean | null | undefined;

/** Stands where there is no value. */
export const NOTHING = "–";

export interface Shown {
  count(value: number): string;
  /** Few digits: `1.2M`. */
  short(value: number): string;
  rate(value: number): string;
  ratio(value: number): string;
  duration(milliseconds: number): string;
  /** Of a process or a silence: `3 h 20 min`. */
  span(milliseconds: number): string;
  bytes(value: number): string;
  /** Exact decimal text, rounded for the eye only. */
  money(amount: string | number, currency?: "USD" | "CNY"): string;
  /** Of any currency, or of what is none (`points`). */
  amount(amount: number, currency: string): string;
  time(at: number): string;
  /** As fine as a series of that unit needs. */
  moment(at: number, unit: string): string;
  value(value: Value, unit: Unit, column?: string): string;
}

const MINUTE = 60_000;

/** @param language a BCP 47 name */
export function valuesIn(language: string, timeZone?: string): Shown {
  const zone = timeZone === undefined ? {} : { timeZone };
  const number = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(language, options);
  const date = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, { hourCycle: "h23", ...zone, ...options });
  const whole = number({ maximumFractionDigits: 0 });
  const one = number({ maximumFractionDigits: 1 });
  const two = number({ maximumFractionDigits: 2 });
  const three = number({ maximumSignificantDigits: 3 });
  const compact = number({ notation: "compact", maximumSignificantDigits: 3 });
  const percent = number({ style: "percent", maximumFractionDigits: 1 });
  const finePercent = number({ style: "percent", maximumFractionDigits: 2 });
  const full = date({ dateStyle: "medium", timeStyle: "medium" });
  const moments: Readonly<Record<string, Intl.DateTimeFormat>> = {
    second: date({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    minute: date({ hour: "2-digit", minute: "2-digit" }),
    hour: date({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }),
    day: date({ month: "short", day: "numeric", weekday: "short" }),
    date: date({ month: "short", day: "numeric" }),
    week: date({ month: "short", day: "numeric", year: "numeric" }),
    month: date({ month: "long", year: "numeric" }),
  };

  const money: Shown["money"] = (amount, currency = "USD") => {
    const value = Number(amount);
    const size = Math.abs(value);
    const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" } as const;
    if (size === 0 || size >= 1) {
      const places = size >= 10_000 ? 0 : 2;
      return number({ ...style, minimumFractionDigits: places, maximumFractionDigits: places }).format(value);
    }
    const places = Math.min(12, Math.max(2, 2 - Math.floor(Math.log10(size))));
    return number({ ...style, minimumFractionDigits: 2, maximumFractionDigits: places }).format(value);
  };
  const duration = (milliseconds: number): string => {
    if (milliseconds < 10) return `${two.format(milliseconds)} ms`;
    if (milliseconds < 1000) return `${whole.format(milliseconds)} ms`;
    if (milliseconds < MINUTE) return `${two.format(milliseconds / 1000)} s`;
    return span(milliseconds);
  };
  const span = (milliseconds: number): string => {
    const seconds = Math.round(milliseconds / 1000);
    const parts: [number, string][] = [
      [Math.floor(seconds / 86_400), "d"],
      [Math.floor(seconds / 3600) % 24, "h"],
      [Math.floor(seconds / 60) % 60, "min"],
      [seconds % 60, "s"],
    ];
    const first = parts.findIndex(([amount]) => amount > 0);
    if (first === -1) return "0 s";
    const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
    return shown.map(([amount, unit]) => `${amount} ${unit}`).join(" ");
  };
  const bytes = (value: number): string => {
    if (value < 1024) return `${whole.format(value)} B`;
    const power = Math.min(4, Math.floor(Math.log2(value) / 10));
    return `${one.format(value / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power] ?? ""}`;
  };
  const shown: Shown = {
    count: (value) => whole.format(value),
    short: (value) => (Math.abs(value) < 10_000 ? one.format(value) : compact.format(value)),
    rate: (value) => (value >= 100 ? whole.format(value) : three.format(value)),
    ratio: (value) => (value > 0 && value < 0.01 ? finePercent : percent).format(value),
    duration,
    span,
    bytes,
    money,
    amount: (amount, currency) =>
      currency === "USD" || currency === "CNY"
        ? money(amount, currency)
        : `${two.format(amount)} ${currency}`,
    time: (at) => full.format(at),
    moment: (at, unit) => (moments[unit] ?? full).format(at),
    value(value, unit, column = "") {
      if (value === null || value === undefined) return NOTHING;
      switch (unit) {
        case "text":
          return String(value);
        case "count":
          return column === "status" ? String(value) : whole.format(Number(value));
        case "tokens":
          return shown.short(Number(value));
        case "ratio":
          return shown.ratio(Number(value));
        case "milliseconds":
          return duration(Number(value));
        case "bytes":
          return bytes(Number(value));
        case "usd":
          return money(String(value));
        case "cny":
          return money(String(value), "CNY");
        case "time":
          return column === "" ? full.format(Number(value)) : shown.moment(Number(value), column);
      }
    },
  };
  return shown;
}
