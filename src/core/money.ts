/**
 * Exact money. The unit is the pico-dollar (10⁻¹² USD) held in a bigint, because a price in micro-dollars
 * per million tokens times a number of tokens is an integer of that unit. Floats appear only in text.
 */

/** An amount of money in pico-dollars. */
export type Pico = bigint;

export const PICO_PER_USD = 1_000_000_000_000n;

/** Writes pico-dollars as an exact decimal number of dollars: `1234500000000n` → `1.2345`, `-1n` → `-0.000000000001`. */
export function formatUsd(pico: Pico): string {
  const negative = pico < 0n;
  const digits = (negative ? -pico : pico).toString().padStart(13, "0");
  const whole = digits.slice(0, -12);
  let end = digits.length;
  while (end > whole.length && digits.charCodeAt(end - 1) === 48) end--;
  const fraction = digits.slice(whole.length, end);
  return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i;

/**
 * Reads a decimal number (as text, or as a number whose shortest text is meant) scaled by 10^`places`
 * to an integer, rounding half away from zero: `scaled("0.0375", 6)` → `37500n`.
 * @throws RangeError when it is not a decimal number.
 */
export function scaled(value: string | number, places: number): bigint {
  const match = DECIMAL.exec(String(value).trim());
  if (match === null) throw new RangeError(`not a decimal number: ${String(value)}`);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const shift = places + Number(exponent) - fraction.length;
  const mantissa = BigInt(whole + fraction);
  const magnitude =
    shift >= 0 ? mantissa * 10n ** BigInt(shift) : roundedDivide(mantissa, 10n ** BigInt(-shift));
  return sign === "-" ? -magnitude : magnitude;
}

/** Non-negative integer division, rounding half up. */
export function roundedDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator / 2n) / denominator;
}
