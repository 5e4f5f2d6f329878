/** The sandbox's main path: read the call, find its route, check its key, answer it, enter it in the books. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Quantities } from "../core/quantities.ts";
import { checkKey, type Keys, presentedKey } from "./auth.ts";
import { type BodyRead, parseForm, parseJson, readBody } from "./body.ts";
import { type Books, type CallSum, keyLabel } from "./books.ts";
import { type Answer, type Call, type Form, isStream } from "./call.ts";
import { deliver, deliverPlain } from "./deliver.ts";
import { type Play, play, prepare, type Scripts } from "./echo.ts";
import { ApiError, errorBody, errorOfStatus, type Family } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { type JsonObject, string } from "./json.ts";
import { KnobError, type Knobs, knobsOfModel, readKnobHeader } from "./knobs.ts";
import { costOf } from "./models.ts";
import { hash, Random } from "./random.ts";
import type { Recording } from "./recording.ts";
import { familyOf, type Route, routesOf } from "./routes.ts";
import { vendorHeaders } from "./vendor-headers.ts";

/** What all calls of one sandbox have in common. */
export interface Settings {
  readonly seed: number;
  readonly keys: Keys;
  readonly books: Books;
  readonly recording: Recording;
  readonly scripts: Scripts;
  /** Set for all calls by the admin endpoint. */
  knobs: Knobs;
  /** Calls that have arrived since the start or the last reset. */
  arrivals: number;
}

const NO_KNOBS: Knobs = {};
const NO_PARAMS: readonly string[] = [];
const EMPTY_BODY = Buffer.alloc(0);
const NOTHING: Answer = { status: 0, contentType: "", content: "", used: {} };
const BODY_LIMIT = 64 * 1024 * 1024;

/** What is known of a call when its head has arrived. */
interface Arrival {
  readonly exchange: Exchange;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly family: Family;
  readonly key: string;
  readonly route: Route | undefined;
  readonly params: readonly string[];
  /** The path is served, but not to this method. */
  readonly otherMethod: boolean;
  /** Counts calls from 1; with the seed it decides failures and delays. */
  readonly number: number;
  readonly requestId: string;
}

/** What is to be done about it. */
interface Decision {
  readonly model: string;
  readonly answer: Answer;
  readonly knobs: Knobs;
  /** The request brought its own answer. */
  readonly script?: Play;
}

/** Answers one request to the simulated APIs. */
export async function handle(
  settings: Settings,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const exchange = new Exchange(request, response);
  const arrival = arrive(settings, exchange, path, query);
  const decision = await decide(settings, arrival);
  const endpoint = arrival.route?.endpoint ?? "other";
  const account = settings.books.open(keyLabel(arrival.key), decision.model, endpoint);
  exchange.whenOver(() => settings.books.close(account, sumOf(exchange, decision.answer)));
  if (exchange.over) return;
  if (decision.script !== undefined) await play(exchange, decision.script);
  else await send(settings.seed, arrival, decision);
}

function arrive(settings: Settings, exchange: Exchange, path: string, query: URLSearchParams): Arrival {
  const { headers, method } = exchange.request;
  const family = familyOf(path, headers);
  const found = routesOf(path);
  const matched = found.find(({ route }) => fits(route, method));
  const number = ++settings.arrivals;
  return {
    exchange,
    path,
    query,
    family,
    key: presentedKey(family, headers, query),
    route: matched?.route,
    params: matched?.params ?? NO_PARAMS,
    otherMethod: found.length > 0,
    number,
    requestId: `req_sandbox_${number}`,
  };
}

/** Reads the request and decides on an answer; whatever is wrong with the request becomes one. */
async function decide(settings: Settings, arrival: Arrival): Promise<Decision> {
  const { exchange, path, family, route, params } = arrival;
  const { request } = exchange;
  let knobs = NO_KNOBS;
  let model = "";
  try {
    const own = headerKnobs(request);
    knobs = merged(settings.knobs, own);
    const body = await receive(settings, exchange, knobs);
    if (body === "gone") return { model, answer: NOTHING, knobs };
    if (body === "large") {
      knobs = { ...knobs, keepAlive: false };
      throw errorOfStatus(413);
    }
    const script = request.headers["x-sandbox-script"];
    if (script !== undefined) {
      return { model, answer: NOTHING, knobs, script: prepare(settings.scripts.read(String(script))) };
    }
    if (route === undefined) throw notServed(request.method ?? "", path, arrival.otherMethod);
    if (route.open !== true) checkKey(family, arrival.key, settings.keys);
    const parsed = await parse(route, body, request.headers["content-type"] ?? "");
    model = params[0] ?? (string(parsed.json.model) || (parsed.form?.fields.get("model") ?? ""));
    knobs = withFailure(merged(settings.knobs, knobsOfModel(model), own), settings.seed, arrival.number);
    const answer = answerOfStatus(knobs) ?? route.answer(callOf(settings, arrival, body, parsed, knobs));
    const told = knobs.status !== undefined && knobs.status < 300;
    return { model, answer: told ? { ...answer, status: knobs.status ?? answer.status } : answer, knobs };
  } catch (error) {
    return { model, answer: errorAnswer(family, error, arrival.requestId), knobs };
  }
}

/** Reads the body, unless the knobs want the answer before that; then it is taken as empty. */
async function receive(settings: Settings, exchange: Exchange, knobs: Knobs): Promise<BodyRead> {
  if (knobs.readPause !== undefined) await exchange.sleep(knobs.readPause);
  if (knobs.early === true) return EMPTY_BODY;
  const body = await readBody(exchange, knobs.bodyLimit ?? BODY_LIMIT);
  settings.recording.add(exchange.request, body);
  return body;
}

function fits(route: Route, method: string | undefined): boolean {
  return route.method === method || (method === "HEAD" && route.method === "GET");
}

function notServed(method: string, path: string, otherMethods: boolean): ApiError {
  return otherMethods
    ? new ApiError(405, `Not allowed to ${method} on ${path}.`, "method_not_supported")
    : new ApiError(404, `Invalid URL (${method} ${path})`, "unknown_url");
}

function headerKnobs(request: IncomingMessage): Knobs {
  const header = request.headers["x-sandbox"];
  if (header === undefined) return NO_KNOBS;
  return readKnobHeader(Array.isArray(header) ? header.join(";") : header);
}

/** Later knobs win; stays `NO_KNOBS` where there are none, which the fast path looks for. */
function merged(...sources: readonly Knobs[]): Knobs {
  return sources.every(isEmpty) ? NO_KNOBS : Object.assign({}, ...sources);
}

function isEmpty(knobs: Knobs): boolean {
  for (const _ in knobs) return false;
  return true;
}

interface Parsed {
  readonly json: JsonObject;
  readonly form: Form | undefined;
}

const NOT_PARSED: Parsed = { json: {}, form: undefined };

async function parse(route: Route, body: Buffer, contentType: string): Promise<Parsed> {
  if (route.body === "none" || body === EMPTY_BODY) return NOT_PARSED;
  const isForm = route.body === "form" || (route.body === "any" && !contentType.includes("json"));
  return isForm
    ? { json: {}, form: await parseForm(body, contentType) }
    : { json: parseJson(body), form: undefined };
}

function callOf(settings: Settings, arrival: Arrival, body: Buffer, parsed: Parsed, knobs: Knobs): Call {
  const { request } = arrival.exchange;
  return {
    method: request.method ?? "",
    path: arrival.path,
    query: arrival.query,
    params: arrival.params,
    headers: request.headers,
    body,
    json: parsed.json,
    form: parsed.form,
    knobs,
    seed: settings.seed,
    books: settings.books,
  };
}

/** Decides by seed whether this call fails, and turns the failure into the knob that does it. */
function withFailure(knobs: Knobs, seed: number, number: number): Knobs {
  const { failRate, failWith = "500" } = knobs;
  if (failRate === undefined || new Random(hash(seed, `fail ${number}`)).fraction() >= failRate) return knobs;
  if (failWith === "reset" || failWith === "hang") return { ...knobs, [failWith]: "head" };
  return { ...knobs, status: Number(failWith) || 500 };
}

/** The answer to a call whose status a knob has set, unless it is a success with a body. */
function answerOfStatus(knobs: Knobs): Answer | undefined {
  const { status, errorCode } = knobs;
  if (status !== undefined && errorCode !== undefined) {
    throw new ApiError(status, `Simulated error ${errorCode}.`, errorCode);
  }
  if (status === undefined || (status < 300 && status !== 204)) return undefined;
  if (status >= 400) throw errorOfStatus(status);
  const headers: [string, string][] = status === 204 ? [] : [["location", knobs.location ?? "/v1/elsewhere"]];
  return { status, contentType: "text/plain", headers, content: "", used: {} };
}

function errorAnswer(family: Family, error: unknown, requestId: string): Answer {
  const known =
    error instanceof ApiError
      ? error
      : error instanceof KnobError
        ? new ApiError(400, error.message, "sandbox_knob")
        : new ApiError(500, `The sandbox failed: ${error instanceof Error ? error.message : "unknown"}`);
  return {
    status: known.status,
    contentType: "application/json",
    content: JSON.stringify(errorBody(family, known, requestId)),
    used: {},
  };
}

async function send(seed: number, arrival: Arrival, { answer, knobs }: Decision): Promise<void> {
  const { exchange, family, requestId } = arrival;
  const headers = vendorHeaders(family, answer.model?.maker, requestId, answer.used, answer.status === 429);
  if (answer.status === 429 || answer.status === 503) {
    headers.push("retry-after", knobs.retryAfter ?? "1");
  }
  for (const [name, value] of answer.headers ?? []) headers.push(name, value);
  headers.push("content-type", knobs.contentType ?? answer.contentType);
  if (knobs === NO_KNOBS && !isStream(answer.content)) deliverPlain(exchange, answer, headers);
  else await deliver(exchange, answer, headers, knobs, new Random(hash(seed, requestId)));
}

/** What the books are told of a call whose connection has nothing more to do with it. */
function sumOf(exchange: Exchange, answer: Answer): CallSum {
  const completed = exchange.response.writableFinished && !exchange.cutShort;
  const used = completed ? answer.used : usedUpTo(answer, exchange.tokens);
  return {
    status: exchange.status,
    outcome: completed ? "completed" : exchange.cutShort ? "cut" : "aborted",
    reported: exchange.reported,
    used,
    cost: answer.model === undefined ? 0n : costOf(answer.model, used),
    tokens: exchange.tokens,
    bytes: exchange.bytes,
  };
}

/** Of an unfinished stream the input and the output written so far; of other unfinished answers nothing. */
function usedUpTo(answer: Answer, tokens: number): Quantities {
  if (tokens === 0) return {};
  const { outputTokens: _, reasoningTokens = 0, ...input } = answer.used;
  return { ...input, outputTokens: tokens, reasoningTokens: Math.min(reasoningTokens, tokens) };
}
