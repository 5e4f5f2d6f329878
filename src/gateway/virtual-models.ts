/**
 * Models that only the configuration knows, aliases and those that rules decide on: adds them to the lists of models that
 * upstreams give, because clients choose from these lists, and answers who asks for one of them by its name.
 */
import type { Family, Operation } from "../usage/dialect.ts";
import { joined, latin1Text } from "../wire/bytes.ts";
import { type App, authorise } from "./access.ts";

export interface ListRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly operation: Operation;
  readonly family: Family;
  readonly app: App;
}

const LISTS = new Set(["/v1/models", "/v1beta/models"]);

/** What an entry of a list looks like, by whose API it is. */
const entries: Readonly<Record<Family, (id: string) => object>> = {
  openai: (id) => ({ id, object: "model", created: 0, owned_by: "bellwether" }),
  anthropic: (id) => ({ type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" }),
  gemini: (id) => ({
    name: `models/${id}`,
    displayName: id,
    supportedGenerationMethods: ["generateContent", "streamGenerateContent", "countTokens"],
  }),
};

/** What belongs into the answer to this request; undefined where nothing does, as on a list's second page. */
export function listAddition(models: ReadonlySet<string>, request: ListRequest): ListAddition | undefined {
  const { method, path, query, operation, family, app } = request;
  if (models.size === 0 || method !== "GET" || operation.endpoint !== "models" || !LISTS.has(path))
    return undefined;
  if (/(^|&)(after_id|before_id|pageToken)=/.test(query)) return undefined;
  const allowed = [...models].filter((model) => app.models?.matches(model) !== false);
  if (allowed.length === 0) return undefined;
  return new ListAddition(allowed.map((model) => JSON.stringify(entries[family](model))).join(","));
}

/** A name may hold anything, also `/` and `:`, written as it is or encoded. */
const ONE = /^\/(?:v1|v1beta)\/models\/(.+)$/;

/**
 * The answer to a request for one of these models, as the lists have it; undefined for any other request.
 * @throws BellwetherError model_not_allowed.
 */
export function modelEntry(
  models: ReadonlySet<string>,
  { method, path, operation, family, app }: Omit<ListRequest, "query">,
): string | undefined {
  if (operation.endpoint !== "models" || (method !== "GET" && method !== "HEAD")) return undefined;
  const model = decoded(ONE.exec(path)?.[1] ?? "");
  if (!models.has(model)) return undefined;
  authorise(app, operation.endpoint, model, true);
  return JSON.stringify(entries[family](model));
}

/** A name out of a path; "" where it is not written as paths are. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** A list begins within so many bytes, or is none. */
const MOST_HEAD = 64 * 1024;
const OPENING = /"(?:data|models)"\s*:\s*\[\s*(?=\S)/;

/** Puts text at the beginning of the list in a JSON body that comes in pieces; all other bytes stay as they are. */
export class ListAddition {
  readonly #text: string;
  #pieces: Uint8Array[] | undefined = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** What of the body can go on now. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#pieces === undefined) return chunk;
    this.#pieces.push(chunk);
    const body = joined(this.#pieces);
    const found = OPENING.exec(latin1Text(body.subarray(0, MOST_HEAD)));
    if (found === null && body.length < MOST_HEAD) return new Uint8Array(0);
    this.#pieces = undefined;
    if (found === null) return body;
    const at = found.index + found[0].length;
    const empty = body[at] === CLOSING;
    return Buffer.concat([
      body.subarray(0, at),
      Buffer.from(empty ? this.#text : `${this.#text},`),
      body.subarray(at),
    ]);
  }

  /** What is left of a body in which no list began. */
  finish(): Uint8Array | undefined {
    return this.#pieces === undefined || this.#pieces.length === 0 ? undefined : joined(this.#pieces);
  }
}

const CLOSING = "]".charCodeAt(0);
