/** A month's traffic as a plan needs it: how many tokens of which models, from options, a file or the ledger. */
import { parse } from "yaml";
import * as z from "zod";
import type { Quantities } from "../../core/quantities.ts";
import { parseTokens } from "./tokens.ts";

/** What a month asks of one model, all calls together. */
export interface Demand {
  readonly model: string;
  readonly calls: number;
  readonly quantities: Quantities;
  /** Who serves it now, when that is known. */
  readonly upstream?: string;
}

/** Traffic in round figures: so many tokens, so much of each model. */
export interface Shape {
  readonly tokens: number;
  /** Parts of 100 by model. */
  readonly mix: readonly (readonly [model: string, percent: number])[];
  /** Of all tokens, 0 to 1. */
  readonly inputShare: number;
  /** Of input tokens, 0 to 1. */
  readonly cachedShare: number;
  /** Prices of some models depend on how long a prompt is. */
  readonly inputPerCall: number;
}

export const DEFAULT_SHAPE = { inputShare: 0.75, cachedShare: 0, inputPerCall: 2000 } as const;

/** `gpt-4.1=30,mini=70`; one model alone needs no part. @throws Error saying what is wrong. */
export function parseMix(text: string): (readonly [string, number])[] {
  const parts = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const mix = parts.map((part): readonly [string, number] => {
    const at = part.lastIndexOf("=");
    if (at < 0 && parts.length === 1) return [part, 100];
    const percent = at < 1 ? Number.NaN : Number(part.slice(at + 1).replace(/%$/, ""));
    if (!(percent > 0)) throw new Error(`--mix: ${JSON.stringify(part)} is not model=percent, as gpt-4.1=30`);
    return [part.slice(0, at).trim(), percent];
  });
  return checkedMix(mix);
}

function checkedMix(mix: readonly (readonly [string, number])[]): (readonly [string, number])[] {
  if (mix.length === 0) throw new Error("the mix names no model; write it as gpt-4.1=30,deepseek-v3.2=70");
  const twice = mix.find(([model], index) => mix.findIndex(([other]) => other === model) !== index);
  if (twice !== undefined) throw new Error(`the mix names ${twice[0]} twice`);
  const sum = mix.reduce((total, [, percent]) => total + percent, 0);
  if (Math.abs(sum - 100) > 0.01) {
    throw new Error(`the parts of the mix add up to ${Number(sum.toFixed(4))}, not to 100`);
  }
  return [...mix];
}

/** The tokens of a shape by model, whole numbers that add up. */
export function demandsOf(shape: Shape): Demand[] {
  let left = shape.tokens;
  return shape.mix.map(([model, percent], index) => {
    const last = index === shape.mix.length - 1;
    const tokens = last ? left : Math.min(left, Math.round((shape.tokens * percent) / 100));
    left -= tokens;
    const inputTokens = Math.round(tokens * shape.inputShare);
    const cachedInputTokens = Math.round(inputTokens * shape.cachedShare);
    return {
      model,
      calls: Math.max(1, Math.ceil(inputTokens / shape.inputPerCall)),
      quantities: {
        inputTokens,
        ...(cachedInputTokens === 0 ? {} : { cachedInputTokens }),
        outputTokens: tokens - inputTokens,
      },
    };
  });
}

const tokens = z.union([z.number(), z.string()]).transform((value, context) => {
  const count = parseTokens(String(value));
  if (count !== undefined) return count;
  context.addIssue({ code: "custom", message: "is no number of tokens; write it as 50M or 50000000" });
  return z.NEVER;
});
const share = z.number().min(0).max(1);

const workloadSchema = z.strictObject({
  tokens: tokens.optional(),
  mix: z.record(z.string().min(1).max(256), z.number().positive()).optional(),
  inputShare: share.optional(),
  cachedShare: share.optional(),
  inputPerCall: tokens.optional(),
  traffic: z
    .array(
      z.strictObject({
        model: z.string().min(1).max(256),
        input: tokens,
        cachedInput: tokens.optional(),
        output: tokens,
        calls: tokens.optional(),
      }),
    )
    .min(1)
    .optional(),
  fixedCost: z.number().min(0).optional(),
  currency: z.enum(["USD", "CNY"]).optional(),
});

export type WorkloadFile = z.output<typeof workloadSchema>;

/** @throws Error naming the file, the key and what is wrong with it. */
export function parseWorkload(text: string, path: string): WorkloadFile {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 10 });
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  }
  const read = workloadSchema.safeParse(document ?? {});
  if (!read.success) {
    const lines = read.error.issues.map(
      (issue) => `${path}: ${issue.path.join(".") || "file"}: ${issue.message}`,
    );
    throw new Error(lines.join("\n"));
  }
  const file = read.data;
  if ((file.traffic === undefined) === (file.mix === undefined)) {
    throw new Error(`${path}: give either \`tokens\` and \`mix\`, or \`traffic\` by model`);
  }
  if (file.mix !== undefined && file.tokens === undefined) {
    throw new Error(`${path}: \`mix\` needs \`tokens\`, all tokens of a month`);
  }
  return file;
}

export function demandsOfFile(file: WorkloadFile): Demand[] {
  if (file.traffic !== undefined) {
    return file.traffic.map(({ model, input, cachedInput, output, calls }) => ({
      model,
      calls: calls ?? Math.max(1, Math.ceil(input / (file.inputPerCall ?? DEFAULT_SHAPE.inputPerCall))),
      quantities: {
        inputTokens: input,
        ...(cachedInput === undefined ? {} : { cachedInputTokens: cachedInput }),
        outputTokens: output,
      },
    }));
  }
  return demandsOf({
    tokens: file.tokens ?? 0,
    mix: checkedMix(Object.entries(file.mix ?? {})),
    inputShare: file.inputShare ?? DEFAULT_SHAPE.inputShare,
    cachedShare: file.cachedShare ?? DEFAULT_SHAPE.cachedShare,
    inputPerCall: file.inputPerCall ?? DEFAULT_SHAPE.inputPerCall,
  });
}
