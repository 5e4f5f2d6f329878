/**
 * What rules may ask of a call. What has to be read out of the body is read when the first rule asks for it, and
 * once.
 */
import type { Family, Operation, RequestBody, RequestFacts, RequestTraits } from "../usage/dialect.ts";
import { parseBodyText } from "../usage/request-body.ts";
import type { PlanRequest } from "./plan.ts";

/** A call before it is routed. */
export interface CallToRoute {
  readonly operation: Operation;
  readonly family: Family;
  /** As the client wrote it. */
  readonly asked: string;
  readonly facts: RequestFacts;
  /** Read as latin1; its text is decoded where a rule looks at it. */
  readonly parsed: RequestBody;
  readonly body: Uint8Array | undefined;
  /** Names and values; those that authenticate are not among them. */
  readonly headers: readonly string[];
  readonly app: string;
  /** "" when it has none. */
  readonly team: string;
  /** Wall-clock milliseconds at which it arrived. */
  readonly at: number;
  /** In place of the estimate, where somebody asks what would be. */
  readonly inputTokens?: number | undefined;
}

/** Of a long prompt this many characters at its beginning, and as many at its end, are looked at. */
export const LOOKED_AT = 8_192;

/** How many characters tell how many of them are not ASCII. */
const SAMPLED = 4_096;
/** English text has about four bytes a token, others about four and a half in UTF-8 (estimate.ts). */
const BYTES_PER_TOKEN = 4;
const OTHER_BYTES_PER_TOKEN = 4.5;
/** A character that was written as an escape is one unit, not bytes. */
const UNITS_PER_TOKEN = 1.5;

const NO_TRAITS: RequestTraits = { tools: false, images: false, json: false, effort: "", user: "" };

export class RouteFacts {
  readonly call: CallToRoute;
  #traits: RequestTraits | undefined;
  #texts: readonly string[] | undefined;
  #prompt: string | undefined;
  #lowerPrompt: string | undefined;
  #inputTokens: number | undefined;
  /** Headers that rules have asked for, and what they hold. */
  readonly #lookedFor: string[] = [];
  readonly #found: (string | undefined)[] = [];

  constructor(call: CallToRoute) {
    this.call = call;
  }

  /** What `plan` is asked for another model. */
  request(model: string): PlanRequest {
    return { model, dialect: this.call.operation.dialect.name, family: this.call.family };
  }

  /** A header by its lower-case name; the first, where it occurs twice. */
  header(lower: string): string | undefined {
    // Rules look at the same few: to look through the names looked for is faster than a map of all that were sent.
    const known = this.#lookedFor.indexOf(lower);
    if (known !== -1) return this.#found[known];
    const value = this.#sent(lower);
    this.#lookedFor.push(lower);
    this.#found.push(value);
    return value;
  }

  #sent(lower: string): string | undefined {
    const { headers } = this.call;
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] ?? "";
      if (name.length === lower.length && name.toLowerCase() === lower) return headers[at + 1];
    }
    return undefined;
  }

  get traits(): RequestTraits {
    const { operation, parsed } = this.call;
    this.#traits ??= operation.dialect.traits?.(parsed) ?? NO_TRAITS;
    return this.#traits;
  }

  /** What the user wrote, of a long text its beginning and its end. */
  get prompt(): string {
    if (this.#prompt === undefined) {
      const text = this.#userTexts().join("\n");
      this.#prompt =
        text.length <= 2 * LOOKED_AT ? text : `${text.slice(0, LOOKED_AT)}\n${text.slice(-LOOKED_AT)}`;
    }
    return this.#prompt;
  }

  /** The same in lower case. */
  get lowerPrompt(): string {
    this.#lowerPrompt ??= this.prompt.toLowerCase();
    return this.#lowerPrompt;
  }

  /** What the user wrote last. */
  get lastText(): string {
    return this.#userTexts().at(-1)?.slice(0, LOOKED_AT) ?? "";
  }

  /** Tokens of the whole prompt, by its length and its share of ASCII. */
  get inputTokens(): number {
    if (this.#inputTokens === undefined) {
      const { operation, parsed } = this.call;
      this.#inputTokens =
        this.call.inputTokens ??
        (operation.dialect.countsTokens ? tokensOf(operation.dialect.promptText(parsed)) : 0);
    }
    return this.#inputTokens;
  }

  /** No prompt has more tokens than its body has bytes. */
  get mostInputTokens(): number {
    return this.call.inputTokens ?? this.call.body?.length ?? 0;
  }

  #userTexts(): readonly string[] {
    if (this.#texts === undefined) {
      const { parsed, body } = this.call;
      this.#texts = this.#textsOf(parsed);
      // Read as latin1, only ASCII is right.
      if (parsed.json !== undefined && this.#texts.some((text) => NOT_ASCII.test(text))) {
        this.#texts = this.#textsOf(parseBodyText(body));
      }
    }
    return this.#texts;
  }

  #textsOf(parsed: RequestBody): readonly string[] {
    const { dialect } = this.call.operation;
    return dialect.userTexts?.(parsed) ?? [dialect.promptText(parsed)];
  }
}

const NOT_ASCII = /\P{ASCII}/u;

function tokensOf(text: string): number {
  const sampled = Math.min(text.length, SAMPLED);
  let bytes = 0;
  let units = 0;
  for (let at = 0; at < sampled; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) units++;
    else if (code > 0x7f) bytes++;
  }
  const ascii = sampled - bytes - units;
  const tokens = ascii / BYTES_PER_TOKEN + bytes / OTHER_BYTES_PER_TOKEN + units / UNITS_PER_TOKEN;
  return sampled === 0 ? 0 : Math.ceil((tokens * text.length) / sampled);
}
