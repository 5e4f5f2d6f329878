/** `bellwether prices explain`: what a call would cost, line by line, and where each price is from. */
import { formatUsd, type Pico } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";
import type { PriceBook } from "../prices/book.ts";
import { type Charge, type CostContext, charges, scheduleOf, total } from "../prices/cost.ts";
import type { PriceEntry } from "../prices/entry.ts";
import {
  billJson,
  billRows,
  comparison,
  type Paint,
  priceFields,
  priceRows,
  provenance,
  table,
} from "./prices-text.ts";

export interface Question {
  readonly model: string;
  readonly quantities: Quantities;
  readonly context: CostContext;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What one place charges; `entry` is undefined where the model is unpriced. */
interface Answer {
  /** Undefined for the vendor's own list. */
  readonly upstream: string | undefined;
  readonly entry: PriceEntry | undefined;
  readonly bill: readonly Charge[] | undefined;
  readonly cost: Pico | undefined;
  readonly notes: readonly string[];
}

export interface Explanation {
  readonly question: Question;
  readonly answers: readonly Answer[];
  readonly list: Answer;
}

export function explain(book: PriceBook, upstreams: readonly string[], question: Question): Explanation {
  const { model, at } = question;
  return {
    question,
    answers: upstreams.map((upstream) => answer(upstream, book.price(upstream, model, at), question)),
    list: answer(undefined, book.listPrice(model, at), question),
  };
}

/** True when any place has a price for what was asked. */
export function isPriced({ question, answers, list }: Explanation): boolean {
  const asked = Object.keys(question.quantities).length > 0;
  return [...answers, list].some(({ entry, cost }) => (asked ? cost : entry) !== undefined);
}

export function explanationText(explanation: Explanation, paint: Paint): string {
  const { question, answers, list } = explanation;
  const blocks = answers.map((each) => block(question, each, list, paint));
  // Without an upstream, or where the list price is what counts, the vendor's list stands alone.
  return [...blocks, block(question, list, undefined, paint)]
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

export function explanationJson({ question, answers, list }: Explanation) {
  const one = ({ upstream, entry, bill, cost, notes }: Answer) => ({
    upstream: upstream ?? null,
    priced: entry !== undefined,
    usd: cost === undefined ? null : formatUsd(cost),
    pico: cost === undefined ? null : cost.toString(),
    lines: bill === undefined ? [] : billJson(bill),
    ...(entry === undefined
      ? {}
      : {
          price: {
            model: entry.model,
            rules: entry.rules,
            layer: entry.layer,
            list: entry.list,
            source: entry.source,
            date: entry.date,
            notes: entry.notes,
            usd: priceFields(entry),
          },
        }),
    notes,
  });
  return {
    model: question.model,
    at: new Date(question.at).toISOString(),
    serviceTier: question.context.serviceTier,
    upstreams: answers.map(one),
    list: one(list),
  };
}

function answer(upstream: string | undefined, entry: PriceEntry | undefined, question: Question): Answer {
  const { quantities, context } = question;
  if (entry === undefined) return { upstream, entry, bill: undefined, cost: undefined, notes: [] };
  const bill = charges(entry, quantities, context);
  return { upstream, entry, bill, cost: bill && total(bill), notes: notesOf(entry, question, bill) };
}

/** What the sum alone does not tell: nothing may be priced silently in a way that a reader would not expect. */
function notesOf(
  entry: PriceEntry,
  { quantities, context }: Question,
  bill: readonly Charge[] | undefined,
): string[] {
  const tier = context.serviceTier;
  if (bill === undefined) {
    return [`there is no price for service tier ${tier} here: such a call is unpriced`];
  }
  const notes: string[] = [];
  const schedule = scheduleOf(entry, tier);
  if (tier !== "" && schedule === entry.standard) {
    notes.push(`service tier ${tier} costs the same as ordinary service here`);
  }
  if (schedule?.source !== undefined) notes.push(`price of service tier ${tier}: ${schedule.source}`);
  const long = schedule?.tiers.findLast(({ above }) => (quantities.inputTokens ?? 0) > above);
  if (long !== undefined) {
    notes.push(`more than ${long.above} input tokens: other prices hold, for the whole call`);
  }
  return notes;
}

function block(question: Question, answered: Answer, list: Answer | undefined, paint: Paint): string[] {
  const { upstream, entry, bill, cost, notes } = answered;
  const title = upstream === undefined ? `${question.model}, list price` : `${question.model} at ${upstream}`;
  if (entry === undefined) {
    const where =
      upstream === undefined ? "no vendor's list knows it" : `add it under upstreams.${upstream}.prices`;
    return [paint("bold", title), `  ${paint("yellow", "unpriced")}: ${where}`];
  }
  const asked = Object.keys(question.quantities).length > 0;
  const lines = asked ? sum(bill, cost, paint) : table(priceRows(entry), [1]);
  const compared = cost !== undefined && list?.cost !== undefined ? [comparison(cost, list.cost)] : [];
  return [
    paint("bold", title),
    ...[...lines, ...compared].map((line) => `  ${line}`),
    ...[...notes.map((note) => `note: ${note}`), ...provenance(entry)].map(
      (line) => `  ${paint("dim", line)}`,
    ),
  ];
}

function sum(bill: readonly Charge[] | undefined, cost: Pico | undefined, paint: Paint): string[] {
  const rows = billRows(bill ?? []);
  const totalText =
    cost === undefined ? paint("yellow", "unpriced") : paint("bold", `${formatUsd(cost)} USD`);
  return [...table(rows, [1]), `total  ${totalText}`];
}
