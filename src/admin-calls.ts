/** Calls of the ledger as the admin API tells them: rows of lists, and one call with how its price came about. */
import { formatUsd, type Pico } from "./core/money.ts";
import type { Quantities } from "./core/quantities.ts";
import type { CallCharge, CallDetail, CallEvent, CallPrice, CallRow, CallsAnswer } from "./http/api.ts";
import type { FoundCalls } from "./ledger/ledger-process.ts";
import type { PriceBook } from "./prices/book.ts";
import { amountOf, type Charge, charges, total } from "./prices/cost.ts";
import type { PriceEntry } from "./prices/entry.ts";
import type { LedgerRow } from "./store/ledger-row.ts";

export function callsAnswer({ query, rows, cursor }: FoundCalls): CallsAnswer {
  const { from, to, timeZone } = query;
  return { from, to, timeZone, calls: rows.map(callRow), next: cursor ?? null };
}

export function callDetail(row: LedgerRow, prices: PriceBook): CallDetail {
  const { upstream, modelSent, modelAnswered, startedAt } = row;
  const entry =
    prices.price(upstream, modelSent, startedAt) ?? prices.price(upstream, modelAnswered, startedAt);
  const list = prices.listPrice(modelSent, startedAt) ?? prices.listPrice(modelAnswered, startedAt);
  return {
    ...callRow(row),
    modelRequested: row.modelRequested,
    modelSent,
    modelAnswered,
    method: row.method,
    path: row.path,
    traceId: row.traceId,
    upstreamRequestId: row.upstreamRequestId,
    serviceTier: row.serviceTier,
    billable: row.billable,
    bytesIn: row.bytesIn,
    bytesOut: row.bytesOut,
    overheadMs: row.overheadMs,
    events: eventsOf(row),
    quantities: { ...row.quantities },
    cost: row.billable ? priceOf(entry, row, row.cost) : null,
    listCost: row.billable ? priceOf(list, row, row.listCost) : null,
  };
}

function callRow(row: LedgerRow): CallRow {
  return {
    id: row.id,
    startedAt: row.startedAt,
    app: row.app,
    team: row.team,
    upstream: row.upstream,
    endpoint: row.endpoint,
    model: row.modelLabel,
    route: row.route,
    streaming: row.streaming,
    probe: row.probe,
    interrupted: row.interrupted,
    status: row.interrupted ? null : row.status,
    errorType: row.errorType ?? null,
    errorCode: row.errorCode ?? null,
    durationMs: row.durationMs,
    firstTokenMs: row.firstTokenMs ?? null,
    inputTokens: row.quantities.inputTokens ?? null,
    outputTokens: row.quantities.outputTokens ?? null,
    source: row.source,
    costUsd: usd(row.cost),
    listCostUsd: usd(row.listCost),
    retries: row.retries,
  };
}

/** Only what was measured: of a call whose process died there is nothing but its start. */
function eventsOf({ interrupted, sentMs, firstByteMs, firstTokenMs, durationMs }: LedgerRow): CallEvent[] {
  const events: CallEvent[] = [{ what: "received", at: 0 }];
  if (sentMs !== undefined) events.push({ what: "sent", at: sentMs });
  if (firstByteMs !== undefined) events.push({ what: "first_byte", at: firstByteMs });
  if (firstTokenMs !== undefined) events.push({ what: "first_token", at: firstTokenMs });
  if (!interrupted) events.push({ what: "end", at: durationMs });
  return events;
}

function priceOf(
  entry: PriceEntry | undefined,
  { quantities, serviceTier }: { readonly quantities: Quantities; readonly serviceTier: string },
  booked: Pico | undefined,
): CallPrice | null {
  const bill = entry && charges(entry, quantities, { serviceTier });
  if (entry === undefined || bill === undefined) return null;
  const sum = total(bill);
  return {
    model: entry.model,
    layer: entry.layer,
    list: entry.list,
    source: entry.source,
    date: entry.date,
    notes: [...entry.rules, ...entry.notes],
    charges: bill.filter(({ quantity }) => quantity > 0).map(chargeRow),
    totalUsd: usd(sum),
    asBooked: sum === booked,
  };
}

/** Rates are pico-dollars per token, character, image, request or hour. */
function chargeRow(charge: Charge): CallCharge {
  const { kind, quantity, rate, from } = charge;
  const per = PER[kind] ?? "1M";
  const price = rate === undefined ? undefined : BigInt(rate) * (per === "1M" ? 1_000_000n : 1n);
  return { kind, pricedAs: from, quantity, priceUsd: usd(price), per, costUsd: usd(amountOf(charge)) };
}

/** All others are counted in millions. */
const PER: Readonly<Partial<Record<Charge["kind"], CallCharge["per"]>>> = {
  image: "1",
  request: "1",
  audioMs: "hour",
};

function usd(pico: Pico | undefined): string | null {
  return pico === undefined ? null : formatUsd(pico);
}
