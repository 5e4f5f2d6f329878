/**
 * Twelve calls whose sums anybody can check by hand: the ledger that the reports' golden tests are about.
 *
 * All on 10 March 2026 (a Tuesday), UTC. Money in dollars; shop is of team commerce, bot of team support.
 *
 *  #  time   app   model   upstream  status  took   1st token  in    out  cost    list
 *  1  00:10  shop  gpt-4.1 relay     200     1000   200        1000  100  0.0028  0.0028
 *  2  00:20  shop  gpt-4.1 relay     200     2000   400        1000  100  0.0028  0.0028
 *  3  00:30  shop  gpt-4.1 relay     200     3000   600        2000  200  0.0056  0.0056
 *  4  01:10  shop  gpt-4.1 cheap     200     4000   800        1000  100  0.0014  0.0028
 *  5  01:20  bot   gpt-4.1 cheap     502     100    -          -     -    -       -       upstream_5xx
 *  6  01:30  bot   mini    relay     200     500    100        400   40   0.0001  0.0001
 *  7  02:10  bot   mini    relay     429     50     -          -     -    -       -       rate_limit
 *  8  02:20  bot   mini    relay     200     700    -          600   60   -       0.0002  unpriced
 *  9  02:30  bot   mini    relay     499     900    300        300   10   0.00005 0.00005 client_gone, partial
 * 10  02:40  bot   mini    relay     0       0      -          -     -    -       -       interrupted
 * 11  03:10  shop  gpt-4.1 none      401     1      -          -     -    -       -       auth, refused here
 * 12  03:20  shop  mini    relay     200     60     -          10    1    0.00001 0.00001 a probe
 */
import type { LedgerRow } from "../../src/store/ledger-row.ts";

export const DAY = Date.UTC(2026, 2, 10);

/** Micro-dollars in pico-dollars. */
const micro = (amount: number) => BigInt(Math.round(amount * 100)) * 10_000n;

const base: LedgerRow = {
  id: "",
  startedAt: 0,
  app: "shop",
  team: "commerce",
  probe: false,
  upstream: "relay",
  endpoint: "chat",
  modelRequested: "gpt-4.1",
  route: "",
  modelSent: "gpt-4.1",
  modelLabel: "gpt-4.1",
  streaming: true,
  method: "POST",
  path: "/v1/chat/completions",
  traceId: "",
  bytesIn: 100,
  status: 200,
  errorType: undefined,
  errorCode: undefined,
  modelAnswered: "",
  upstreamRequestId: "",
  serviceTier: "",
  quantities: {},
  source: "reported",
  billable: true,
  cost: undefined,
  listCost: undefined,
  durationMs: 0,
  firstTokenMs: undefined,
  firstByteMs: undefined,
  sentMs: undefined,
  overheadMs: 1,
  bytesOut: 1000,
  retries: 0,
  interrupted: false,
};

/** A row that differs from an ordinary one only in what is given; `number` makes its id, `minute` its time. */
export function ledgerRow(number: number, minute: number, row: Partial<LedgerRow> = {}): LedgerRow {
  const startedAt = row.startedAt ?? DAY + minute * 60_000;
  const time = startedAt.toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(number).padStart(12, "0")}`;
  return { ...base, id, ...row, startedAt };
}

const bot = { app: "bot", team: "support" } as const;
const mini = { modelLabel: "mini", modelRequested: "mini", modelSent: "mini" } as const;
const nothing = { quantities: {}, source: "missing", billable: false } as const;
const tokens = (input: number, output: number) => ({
  quantities: { inputTokens: input, outputTokens: output },
});
const priced = (cost: number, list: number) => ({ cost: micro(cost), listCost: micro(list) });

export const SMALL_LEDGER: readonly LedgerRow[] = [
  ledgerRow(1, 10, { durationMs: 1000, firstTokenMs: 200, ...tokens(1000, 100), ...priced(2800, 2800) }),
  ledgerRow(2, 20, { durationMs: 2000, firstTokenMs: 400, ...tokens(1000, 100), ...priced(2800, 2800) }),
  ledgerRow(3, 30, { durationMs: 3000, firstTokenMs: 600, ...tokens(2000, 200), ...priced(5600, 5600) }),
  ledgerRow(4, 70, {
    upstream: "cheap",
    durationMs: 4000,
    firstTokenMs: 800,
    ...tokens(1000, 100),
    ...priced(1400, 2800),
  }),
  ledgerRow(5, 80, {
    ...bot,
    upstream: "cheap",
    status: 502,
    errorType: "upstream_5xx",
    durationMs: 100,
    ...nothing,
  }),
  ledgerRow(6, 90, {
    ...bot,
    ...mini,
    durationMs: 500,
    firstTokenMs: 100,
    ...tokens(400, 40),
    ...priced(100, 100),
  }),
  ledgerRow(7, 130, { ...bot, ...mini, status: 429, errorType: "rate_limit", durationMs: 50, ...nothing }),
  ledgerRow(8, 140, { ...bot, ...mini, durationMs: 700, ...tokens(600, 60), listCost: micro(200) }),
  ledgerRow(9, 150, {
    ...bot,
    ...mini,
    status: 499,
    errorType: "client_gone",
    source: "partial",
    durationMs: 900,
    firstTokenMs: 300,
    ...tokens(300, 10),
    ...priced(50, 50),
  }),
  ledgerRow(10, 160, { ...bot, ...mini, status: 0, interrupted: true, ...nothing }),
  ledgerRow(11, 190, {
    upstream: "none",
    status: 401,
    errorType: "auth",
    errorCode: "invalid_api_key",
    durationMs: 1,
    ...nothing,
  }),
  ledgerRow(12, 200, { ...mini, probe: true, durationMs: 60, ...tokens(10, 1), ...priced(10, 10) }),
];
