/** The sandbox's main path: read the call, find its route, check its key, answer it, enter it in the books. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Quantities } from "../core/quantities.ts";
import { checkKey, type Keys, presentedKey } from "./auth.ts";
import { type BodyRead, parseForm, parseJson, readBody } from "./body.ts";
import { type Account, type Books, keyLabel } from "./books.ts";
import { type Answer, type Call, type Form, isStream } from "./call.ts";
import { deliver, deliverPlain } from "./deliver.ts";
import { play, prepare, type Scripts } from "./echo.ts";
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
}

const NO_KNOBS: Knobs = {};
const NOTHING: Answer = { status: 0, contentType: "", content: "", used: {} };
const BODY_LIMIT = 64 * 1024 * 1024;

/** Answers one request to the simulated APIs. */
export async function handle(
  settings: Settings,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const exchange = new Exchange(request, response);
  const family = familyOf(path, request.headers);
  const key = presentedKey(family, request.headers, query);
  const found = routesOf(path);
  const matched = found.find(({ route }) => fits(route, request.method));
  const endpoint = matched?.route.endpoint ?? "other";
  const number = settings.books.calls + 1;
  const requestId = `req_sandbox_${number}`;

  let knobs = NO_KNOBS;
  let body: BodyRead | undefined;
  let account: Account | undefined;
  let answer: Answer | undefined;
  try {
    knobs = merged(settings.knobs, headerKnobs(request));
    if (knobs.readPause !== undefined) await exchange.sleep(knobs.readPause);
    if (knobs.early !== true) {
      body = await readBody(request, knobs.bodyLimit ?? BODY_LIMIT);
      settings.recording.add(request, body);
      if (body === "large") throw errorOfStatus(413);
    }
    const script = request.headers["x-sandbox-script"];
    if (script !== undefined) {
      const scripted = prepare(settings.scripts.read(String(script)));
      account = settings.books.open(keyLabel(key), "", endpoint);
      enterAtEnd(settings.books, account, exchange, NOTHING);
      return await play(exchange, scripted);
    }
    if (matched === undefined) throw notServed(request.method ?? "", path, found.length > 0);
    if (matched.route.open !== true) checkKey(family, key, settings.keys);
    const parsed = await parse(matched.route, body, request.headers["content-type"] ?? "");
    const model = matched.params[0] ?? (string(parsed.json.model) || parsed.form?.fields.get("model")) ?? "";
    account = settings.books.open(keyLabel(key), model, endpoint);
    knobs = merged(settings.knobs, knobsOfModel(model), headerKnobs(request));
    knobs = withFailure(knobs, settings.seed, number);
    answer =
      answerOfStatus(knobs) ??
      matched.route.answer(callOf(settings, request, path, query, matched.params, body, parsed, knobs));
    if (knobs.status !== undefined && knobs.status < 300) answer = { ...answer, status: knobs.status };
  } catch (error) {
    answer = errorAnswer(family, error, requestId);
    if (body === "large") knobs = { ...knobs, keepAlive: false };
  }
  account ??= settings.books.open(keyLabel(key), "", endpoint);
  enterAtEnd(settings.books, account, exchange, answer);
  if (body === "gone") return;
  await send(settings.seed, exchange, family, answer, knobs, requestId);
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

async function parse(route: Route, body: BodyRead | undefined, contentType: string): Promise<Parsed> {
  if (route.body === "none" || !Buffer.isBuffer(body)) return { json: {}, form: undefined };
  const isForm = route.body === "form" || (route.body === "any" && !contentType.includes("json"));
  return isForm
    ? { json: {}, form: await parseForm(body, contentType) }
    : { json: parseJson(body), form: undefined };
}

function callOf(
  settings: Settings,
  request: IncomingMessage,
  path: string,
  query: URLSearchParams,
  params: readonly string[],
  body: BodyRead | undefined,
  parsed: Parsed,
  knobs: Knobs,
): Call {
  return {
    method: request.method ?? "",
    path,
    query,
    params,
    headers: request.headers,
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    ...parsed,
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
  const { status } = knobs;
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

async function send(
  seed: number,
  exchange: Exchange,
  family: Family,
  answer: Answer,
  knobs: Knobs,
  requestId: string,
): Promise<void> {
  const headers = vendorHeaders(family, answer.model?.maker, requestId, answer.used, answer.status === 429);
  if (answer.status === 429 || answer.status === 503) {
    headers.push("retry-after", knobs.retryAfter ?? "1");
  }
  for (const [name, value] of answer.headers ?? []) headers.push(name, value);
  headers.push("content-type", knobs.contentType ?? answer.contentType);
  if (knobs === NO_KNOBS && !isStream(answer.content)) deliverPlain(exchange, answer, headers);
  else await deliver(exchange, answer, headers, knobs, new Random(hash(seed, requestId)));
}

/** Enters the call when its connection has nothing more to do with it. */
function enterAtEnd(books: Books, account: Account, exchange: Exchange, answer: Answer): void {
  exchange.response.once("close", () => {
    const completed = exchange.response.writableFinished && !exchange.cutShort;
    const used = completed ? answer.used : usedUpTo(answer, exchange.tokens);
    books.close(account, {
      status: exchange.status,
      outcome: completed ? "completed" : exchange.cutShort ? "cut" : "aborted",
      reported: exchange.reported,
      used,
      cost: answer.model === undefined ? 0n : costOf(answer.model, used),
      tokens: exchange.tokens,
      bytes: exchange.bytes,
    });
  });
}

/** Of an unfinished stream the input and the output written so far; of other unfinished answers nothing. */
function usedUpTo(answer: Answer, tokens: number): Quantities {
  if (tokens === 0) return {};
  const { outputTokens: _, reasoningTokens = 0, ...input } = answer.used;
  return { ...input, outputTokens: tokens, reasoningTokens: Math.min(reasoningTokens, tokens) };
}
