/**
 * Two sandboxes alike, one called directly and one through a gateway. Whatever a client does is done to both,
 * and everything that can be seen of it must be equal: what the client returns, what came over the wire, what
 * reached the sandbox, and what the sandbox entered in its books.
 */
import { expect } from "vitest";
import type { RecordedRequest } from "../../src/sandbox/recording.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway } from "./gateway.ts";
import { until } from "./until.ts";

/** Where a client is to connect to. */
export interface Place {
  /** An origin, without a path. */
  readonly url: string;
  readonly key: string;
  /** In place of the platform's. */
  readonly fetch?: typeof globalThis.fetch;
  /** Resolves when the upstream has a call that it has not answered. */
  readonly asked?: () => Promise<void>;
}

/** Something a client does; what it resolves to, or rejects with, is compared. */
export type Action = (place: Place) => Promise<unknown>;

export interface Twins {
  readonly gateway: TestGateway;
  readonly direct: Sandbox;
  /** Does it at both places, compares all, and returns what the client got through the gateway. */
  same(action: Action): Promise<unknown>;
  close(): Promise<void>;
}

export async function startTwins(config: TestConfig = {}): Promise<Twins> {
  const gateway = await startGateway(config, { record: true });
  const direct = await startSandbox({ record: true });
  await learnModels(gateway);
  return {
    gateway,
    direct,
    async same(action) {
      direct.reset();
      gateway.sandbox.reset();
      const expected = await observe(action, placeOf(direct.url, direct));
      const actual = await observe(action, placeOf(gateway.url, gateway.sandbox));
      await gateway.quiet();
      await until(() => direct.books.inFlight, 0);
      // The one difference there may be: chunks of a stream that was asked for usage on the client's behalf.
      const asked = direct.requests.map(lacksWishForUsage);
      const edit = asked.some(Boolean) ? withoutNullUsage : <T>(value: T): T => value;
      expect(edit(actual.outcome)).toStrictEqual(expected.outcome);
      expect(actual.wire.map(({ body, ...head }) => ({ ...head, body: edit(body) }))).toStrictEqual(
        expected.wire,
      );
      expect(gateway.sandbox.requests.map(asSent)).toStrictEqual(
        direct.requests.map((request, at) => asSent(asked[at] === true ? wishingForUsage(request) : request)),
      );
      expect(entries(gateway.sandbox)).toStrictEqual(entries(direct));
      return actual.outcome;
    },
    async close() {
      await gateway.close();
      await direct.close();
    },
  };
}

/** The gateway asks for the list of models when it meets a model it does not know: let it be done with that. */
async function learnModels(gateway: TestGateway): Promise<void> {
  const body = JSON.stringify({ model: "unheard-of" });
  await fetch(`${gateway.url}/v1/embeddings`, { method: "POST", body });
  await until(() => gateway.sandbox.books.total({ endpoint: "models" }).completed, 1);
}

/** The place at this origin, whose calls end up in that sandbox. */
export function placeOf(url: string, sandbox: Sandbox): Place {
  return { url, key: SANDBOX_KEY, asked: () => until(() => sandbox.books.inFlight, 1) };
}

/** An answer as it came over the wire. */
interface WireAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: [string, string][];
  readonly body: string;
}

interface Observed {
  readonly outcome: unknown;
  readonly wire: readonly WireAnswer[];
}

/**
 * Does it with a `fetch` that keeps what came over the wire; every client finds it where the real one was. The
 * headers that may differ are kept from clients, because some of them put all headers into their results.
 */
async function observe(action: Action, place: Place): Promise<Observed> {
  const real = globalThis.fetch;
  const wire: { head: Omit<WireAnswer, "body">; pieces: Uint8Array[] }[] = [];
  globalThis.fetch = async (input, init) => {
    const response = await real(input, init);
    const { status, statusText, body } = response;
    const head = { status, statusText, headers: comparable(response.headers) };
    const pieces: Uint8Array[] = [];
    wire.push({ head, pieces });
    const keeping = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        pieces.push(piece);
        controller.enqueue(piece);
      },
    });
    return new Response(body === null ? null : body.pipeThrough(keeping), head);
  };
  try {
    const outcome = await action(place).catch(failure);
    const text = (value: string): string => value.replaceAll(place.url, "http://place");
    // Latin-1, so that each byte is one character.
    const answers = wire.map(({ head, pieces }) => ({
      ...head,
      body: Buffer.concat(pieces).toString("latin1"),
    }));
    return { outcome: edited(outcome, text), wire: answers };
  } finally {
    globalThis.fetch = real;
  }
}

/** Headers that concern one connection, and the time of day. */
const OWN = new Set(["connection", "date", "keep-alive", "server-timing", "transfer-encoding"]);

/** `x-request-id` is added where the upstream has sent no id of its own. */
function comparable(headers: Headers): [string, string][] {
  const own = headers.has("server-timing");
  const added = own && UUID.test(headers.get("x-request-id") ?? "");
  return [...headers].filter(([name]) => !OWN.has(name) && !(added && name === "x-request-id"));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** All that a program could ask of an error. */
function failure(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: error };
  const {
    name,
    message,
    stack: _,
    cause: __,
    ...fields
  } = { ...error, name: error.name, message: error.message };
  const { headers, ...rest } = fields as { headers?: unknown };
  const plain = JSON.parse(JSON.stringify(rest)) as unknown;
  const listed = headers instanceof Headers ? [...headers] : headers;
  return { thrown: error.constructor.name, name, message, rest: plain, headers: listed };
}

const AUTHENTICATION = ["authorization", "x-api-key", "x-goog-api-key"];
const HOPS = ["connection", "content-length", "host", "keep-alive"];

/** A request as it reached the sandbox; the random text that parts a form's fields is the same each time. */
function asSent({ method, url, rawHeaders, body, complete }: RecordedRequest): object {
  const boundary = /boundary=(\S+)/.exec(headerOf(rawHeaders, "content-type"))?.[1] ?? "\0";
  const headers = pairs(rawHeaders)
    .filter(([name]) => !HOPS.includes(name) && !AUTHENTICATION.includes(name))
    .map(([name, value]) => `${name}: ${value.replaceAll(boundary, "BOUNDARY")}`);
  const text = body.toString("latin1").replaceAll(boundary, "BOUNDARY");
  return { method, url, headers: headers.sort(), body: text, complete };
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? ""]] : [],
  );
}

function headerOf(rawHeaders: readonly string[], wanted: string): string {
  return pairs(rawHeaders).find(([name]) => name === wanted)?.[1] ?? "";
}

/** A stream over an API that reports usage only when asked, from a client that did not ask. */
function lacksWishForUsage({ url, body }: RecordedRequest): boolean {
  if (!/^\/v1\/(chat\/)?completions$/.test(url)) return false;
  const json = JSON.parse(body.toString()) as {
    stream?: boolean;
    stream_options?: { include_usage?: boolean };
  };
  return json.stream === true && json.stream_options?.include_usage !== true;
}

/** The request as the gateway must have changed it, and nothing else of it. */
function wishingForUsage(request: RecordedRequest): RecordedRequest {
  const text = request.body.toString("latin1");
  const body = text.includes('"include_usage":false')
    ? text.replace('"include_usage":false', '"include_usage":true')
    : text.replace("{", '{"stream_options":{"include_usage":true},');
  const headers = pairs(request.rawHeaders).filter(([name]) => name !== "accept-encoding");
  return { ...request, body: Buffer.from(body, "latin1"), rawHeaders: headers.flat() };
}

/** With usage asked for, the API's other chunks say that it is still to come. */
function withoutNullUsage<T>(value: T): T {
  return edited(
    value,
    (text) => text.replaceAll(',"usage":null}', "}"),
    (key, inner) => !(key === "usage" && inner === null),
  );
}

/** Plain data with its texts changed and some of its members left out. */
function edited<T>(
  value: T,
  text: (value: string) => string,
  keep: (key: string, value: unknown) => boolean = () => true,
): T {
  if (typeof value === "string") return text(value) as T;
  if (Array.isArray(value)) return value.map((item) => edited<unknown>(item, text, keep)) as T;
  if (Object.prototype.toString.call(value) !== "[object Object]") return value;
  const members = Object.entries(value as object).filter(([key, inner]) => keep(key, inner));
  return Object.fromEntries(members.map(([key, inner]) => [key, edited<unknown>(inner, text, keep)])) as T;
}

/** What the sandbox booked, but for what depends on whether usage was asked for. */
function entries(sandbox: Sandbox): unknown {
  const { calls, accounts } = sandbox.books.toJSON();
  return {
    calls,
    accounts: accounts.map(({ reported: _, bytesOut: __, peak: ___, ...account }) => account),
  };
}
