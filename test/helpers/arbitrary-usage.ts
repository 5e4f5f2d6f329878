/** Any Usage there could be, hostile texts and the largest numbers included. */
import fc from "fast-check";
import { errorTypes } from "../../src/core/errors.ts";
import { uuidv7 } from "../../src/core/ids.ts";
import type { Quantities, Quantity } from "../../src/core/quantities.ts";
import type { Usage } from "../../src/usage/usage.ts";

const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 40 }) },
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom("", "gpt-4.1", "模型", "a\0b", "\u00b3W", "\u{1f411}", "'; drop table calls; --"),
);
const uint = fc.oneof(
  fc.nat(1_000_000),
  fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
);
const ms = fc.double({ min: 0, max: 1e9, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const pico = fc.oneof(fc.bigInt(0n, 10n ** 15n), fc.constantFrom(0n, 1n, 2n ** 63n, 10n ** 30n));

const QUANTITIES: readonly Quantity[] = [
  "inputTokens",
  "cachedInputTokens",
  "cacheWrite5mTokens",
  "cacheWrite1hTokens",
  "audioInputTokens",
  "imageInputTokens",
  "outputTokens",
  "reasoningTokens",
  "audioOutputTokens",
  "imageOutputTokens",
  "images",
  "characters",
  "audioMs",
];
const quantities = fc
  .dictionary(fc.constantFrom(...QUANTITIES), uint, { noNullPrototype: true })
  .map((values): Quantities => values);

export const arbitraryUsage: fc.Arbitrary<Usage> = fc.record({
  id: fc.nat(2 ** 40).map((time) => uuidv7(time)),
  startedAt: uint,
  app: text,
  team: text,
  probe: fc.boolean(),
  upstream: fc.constantFrom("relay", "none", "openai"),
  endpoint: fc.constantFrom("chat", "embeddings", "messages", "other"),
  modelRequested: text,
  route: text,
  modelSent: text,
  modelLabel: text,
  streaming: fc.boolean(),
  method: fc.constantFrom("GET", "POST"),
  path: text,
  traceId: fc.constantFrom("", "0af7651916cd43dd8448eb211c80319c"),
  bytesIn: uint,
  status: fc.constantFrom(200, 404, 429, 499, 500),
  errorType: optional(fc.constantFrom(...errorTypes)),
  errorCode: optional(text),
  modelAnswered: text,
  upstreamRequestId: text,
  serviceTier: text,
  quantities,
  source: fc.constantFrom("reported", "estimated", "partial", "missing"),
  billable: fc.boolean(),
  cost: optional(pico),
  listCost: optional(pico),
  durationMs: ms,
  firstTokenMs: optional(ms),
  firstByteMs: optional(ms),
  overheadMs: ms,
  bytesOut: uint,
  retries: fc.nat(20),
  sentMs: optional(ms),
});
