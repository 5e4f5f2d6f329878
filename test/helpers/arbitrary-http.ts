/** Arbitraries of what may be in an HTTP message, for properties about what passes through unchanged. */
import fc from "fast-check";
import type { RawAnswer } from "./raw-client.ts";

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Headers that mean something to a server on the way, or to the sandbox; they have tests of their own. */
const MEANINGFUL =
  /^(connection|keep-alive|proxy-.*|te|trailer|upgrade|http2-settings|expect|host|content-length|transfer-encoding|authorization|x-api-key|x-goog-api-key|x-sandbox.*|date)$/i;

const of = (characters: string, constraints: { minLength?: number; maxLength: number }) =>
  fc.string({ unit: fc.constantFrom(...characters), ...constraints });

const name = fc
  .oneof(
    of(TOKEN, { minLength: 1, maxLength: 24 }),
    fc.constantFrom("Accept", "accept", "X-Dup", "x-dup", "X-DUP", "Cookie", "User-Agent", "__proto__"),
  )
  .filter((text) => !MEANINGFUL.test(text));

/** Every byte that a value may hold: printable ASCII, tab within, and the upper half of latin1. */
const VALUE = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
  .filter((character) => /[\t\x20-\x7e\x80-\xff]/.test(character))
  .join("");
const value = of(VALUE, { maxLength: 40 }).map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ""));

export type Field = readonly [string, string];

/** Headers in any order, spelling and number, the same name several times included. */
export const fields = fc.array(fc.tuple(name, value), { maxLength: 12 });

export const body = fc
  .oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.uint8Array({ minLength: 1, maxLength: 30 }).map((few) => repeated(few, 70_000)),
    fc.json().map((text) => Buffer.from(text)),
  )
  .map((bytes) => Buffer.from(bytes));

function repeated(few: Uint8Array, length: number): Uint8Array {
  return Buffer.alloc(length, few);
}

export const method = fc.constantFrom(
  "GET",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "QUERY",
  "PROPFIND",
);

const PATH = "abcXYZ019-._~!$&'()*+,;=:@%/";
const QUERY = `${PATH}?[]|^{}\\"<>\``;

/** A target below /v1 with any query; neither climbs nor holds a key, which are changed on the way. */
export const target = fc
  .tuple(of(PATH, { maxLength: 30 }), fc.option(of(QUERY, { maxLength: 40 }), { nil: undefined }))
  .map(([path, query]) => `/v1/${path}${query === undefined ? "" : `?${query}`}`)
  .filter((text) => !/\.\.|%|key/i.test(text) && !text.endsWith("?"));

/** Pieces of `bytes`, cut at up to `most` places. */
export function cutting(most: number): fc.Arbitrary<(bytes: Buffer) => Buffer[]> {
  return fc
    .array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: most })
    .map((places) => (bytes) => {
      const at = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b);
      return [...at, bytes.length].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
    });
}

/** Names and values in pairs. */
export function pairs(rawHeaders: readonly string[]): Field[] {
  const list: Field[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    list.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  return list;
}

/** The headers that are not about the connection alone. */
export function endToEnd(headers: RawAnswer["headers"]): Field[] {
  return headers.filter(
    ([each]) => !/^(connection|keep-alive|transfer-encoding|content-length)$/i.test(each),
  );
}
