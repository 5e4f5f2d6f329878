/** Random calls over four days and a half, and random questions about them. */
import fc from "fast-check";
import type { ErrorType } from "../../src/core/errors.ts";
import type { LabelledApp } from "../../src/ledger/reports/app-labels.ts";
import type { ReportParameters } from "../../src/ledger/reports/query.ts";
import type { LedgerRow } from "../../src/store/ledger-row.ts";
import { ledgerRow } from "./small-ledger.ts";

const HOUR = 3_600_000;
const HOURS = 108;
export const FIRST = Date.UTC(2026, 2, 7);
/** When the questions are asked: after all calls. */
export const NOW = FIRST + HOURS * HOUR;

/** Whole nanoseconds, as no clock tells finer ones; old ClickHouse reads the tiniest doubles as 0. */
const milliseconds = (max: number) =>
  fc
    .oneof(fc.double({ min: 0, max, noNaN: true }), fc.constantFrom(0, 1, max))
    .map((ms) => Math.round(ms * 1e6) / 1e6);

/** Whose calls they are. */
export const APPS: readonly LabelledApp[] = [
  { name: "shop", labels: { env: "prod", owner: "O'Brien \\ Sons" } },
  { name: "bot", labels: { env: "test" } },
];

const call = fc.record({
  at: fc.integer({ min: 0, max: HOURS * HOUR - 1 }),
  app: fc.constantFrom("shop", "bot", "gone"),
  modelLabel: fc.constantFrom("a", "b"),
  upstream: fc.constantFrom("relay", "cheap", "none"),
  status: fc.constantFrom(200, 200, 200, 429, 502),
  errorType: fc.option(fc.constantFrom<ErrorType>("client_gone", "rate_limit", "reset"), {
    freq: 4,
    nil: undefined,
  }),
  probe: fc.boolean(),
  interrupted: fc.boolean(),
  cost: fc.option(fc.bigInt({ min: 0n, max: 10n ** 20n }), { nil: undefined }),
  listCost: fc.option(fc.bigInt({ min: 0n, max: 10n ** 20n }), { nil: undefined }),
  durationMs: milliseconds(1e6),
  firstTokenMs: fc.option(milliseconds(1e5), { nil: undefined }),
  outputTokens: fc.integer({ min: 0, max: 2 ** 40 }),
  source: fc.constantFrom("reported" as const, "estimated" as const, "missing" as const, "partial" as const),
});

export const arbitraryLedger: fc.Arbitrary<LedgerRow[]> = fc
  .array(call, { minLength: 1, maxLength: 40 })
  .map((calls) =>
    calls.map(({ at, outputTokens, ...row }, number) =>
      ledgerRow(number, 0, { ...row, startedAt: FIRST + at, quantities: { inputTokens: 7, outputTokens } }),
    ),
  );

export const arbitraryQuestion: fc.Arbitrary<ReportParameters> = fc.record({
  tz: fc.constantFrom("UTC", "Asia/Shanghai", "Asia/Kolkata", "America/New_York"),
  from: fc.integer({ min: 0, max: 90 }).map((hours) => new Date(FIRST + hours * HOUR + 1_234).toISOString()),
  by: fc.constantFrom(
    undefined,
    "day",
    "app,hour",
    "status",
    "upstream,week",
    "label:env",
    "label:owner,day",
  ),
  model: fc.constantFrom(undefined, "a"),
  probes: fc.constantFrom(undefined, "true"),
});
