/** What requests of the OpenAI APIs have in common: paths, facts, and the text of messages. */
import type { Operation, RequestFacts } from "../dialect.ts";
import { type Fields, fields, items, name, text } from "./fields.ts";

/** `path` is `root` itself or lies below it. */
export function isUnder(path: string, root: string): boolean {
  return path.startsWith(root) && (path.length === root.length || path.charCodeAt(root.length) === SLASH);
}

const SLASH = 47;

/** The part of a path below its root: `/v1/responses/x` below `/v1/responses` is `/x`; "" for the root itself. */
export function below(path: string, root: string): string {
  return path.slice(root.length);
}

/** A pair of operations of one endpoint: the call that is billed, and lists, retrievals and deletions. */
interface OperationPair {
  readonly billed: Operation;
  readonly free: Operation;
}

export function operationPair(operation: Omit<Operation, "billable">): OperationPair {
  return { billed: { ...operation, billable: true }, free: { ...operation, billable: false } };
}

/** What `openAiFacts` reads; each API names its limit on output in its own way. */
export const OPENAI_FACT_KEYS = ["model", "stream", "stream_options", "service_tier"] as const;

/** Facts of a JSON request. Written for each call: objects put together from parts of others take several times as long. */
export function openAiFacts(json: Fields, maxOutputTokens: number | undefined): RequestFacts {
  const facts: { -readonly [Name in keyof RequestFacts]: RequestFacts[Name] } = {
    model: name(json.model),
    streaming: json.stream === true,
    asksForUsage: fields(json.stream_options).include_usage === true,
  };
  if (maxOutputTokens !== undefined) facts.maxOutputTokens = maxOutputTokens;
  const serviceTier = name(json.service_tier);
  if (serviceTier !== "") facts.serviceTier = serviceTier;
  return facts;
}

/** What a message says, as text: of its content, with neither images nor tool calls. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  const collector = new TextCollector();
  collector.addContent(content);
  return collector.toString();
}

/** Whether some message's content has a part of one of these types. */
export function hasPart(messages: unknown, types: ReadonlySet<string>): boolean {
  return items(messages).some((message) =>
    items(fields(message).content).some((part) => types.has(text(fields(part).type))),
  );
}

/** Whether a `response_format` (or `text.format`) asks for JSON. */
export function wantsJson(format: unknown): boolean {
  const type = text(fields(format).type);
  return type === "json_object" || type === "json_schema";
}

/** Collects texts, one a line. */
export class TextCollector {
  /** Put together piece by piece: V8 copies none until somebody reads the text, and many ask for its length only. */
  #text = "";

  add(piece: unknown): void {
    if (typeof piece !== "string" || piece === "") return;
    this.#text = this.#text === "" ? piece : `${this.#text}\n${piece}`;
  }

  /** A definition that the model reads as JSON: tools, schemas. */
  addJson(value: unknown): void {
    if (typeof value === "object" && value !== null) this.add(JSON.stringify(value));
  }

  /** Message content: a text, or parts that may have one. Images and sounds have none. */
  addContent(content: unknown): void {
    this.add(content);
    for (const part of items(content)) {
      this.add(part);
      const { text: written, refusal, thinking, output, content: nested } = fields(part);
      this.add(written);
      this.add(refusal);
      this.add(thinking);
      this.add(output);
      // Tool results hold content of their own.
      if (nested !== undefined && nested !== content) this.addContent(nested);
    }
  }

  toString(): string {
    return this.#text;
  }
}
