/** Asks a running Bellwether's admin API, from the command line. */
import type { Loaded } from "../config/load.ts";

export interface AdminAddress {
  /** `http://host:port` of the Bellwether that is asked. */
  readonly url: string;
  /** Shown when it wants one. */
  readonly token: string | undefined;
}

export interface AdminAsk {
  readonly method?: "GET" | "POST" | "DELETE";
  /** An object is sent as JSON, a text as it is. */
  readonly body?: object | string;
  /** Gives up after this many milliseconds. */
  readonly timeoutMs?: number;
}

/** A local server answers at once, or it is none. */
const ANSWER_MS = 60_000;

/**
 * The answer's JSON. Undefined when nobody answers there, or somebody who does not know the path: an older version, or
 * some other program.
 * @throws Error with what the server says is wrong, or what to do about its token.
 */
export async function askAdmin(
  { url, token }: AdminAddress,
  path: string,
  { method = "GET", body, timeoutMs = ANSWER_MS }: AdminAsk = {},
): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/+$/, "")}${path}`, {
      method,
      headers: {
        ...(token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` }),
        ...(typeof body === "object" ? { "content-type": "application/json" } : {}),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch {
    return undefined;
  }
  const answer: unknown = await response.json().catch(() => undefined);
  return response.ok ? answer : refused(url, response, answer);
}

/**
 * The answer's text, as it comes. Undefined as with `askAdmin`.
 * @throws Error as `askAdmin`; while it is read also when the answer ends before its end
 */
export async function streamAdmin(
  { url, token }: AdminAddress,
  path: string,
): Promise<AsyncIterable<string> | undefined> {
  const response = await fetch(`${url.replace(/\/+$/, "")}${path}`, {
    headers: token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` },
    redirect: "error",
  }).catch(() => undefined);
  if (response === undefined) return undefined;
  if (!response.ok) return refused(url, response, await response.json().catch(() => undefined));
  return textOf(url, response);
}

async function* textOf(url: string, { body }: Response): AsyncGenerator<string> {
  if (body === null) return;
  try {
    yield* body.pipeThrough(new TextDecoderStream());
  } catch (error) {
    throw new Error(`${url} broke off amid its answer: it was stopped, or its log says why.`, {
      cause: error,
    });
  }
}

/** Undefined, where it may be some other program. @throws Error */
function refused(url: string, response: Response, answer: unknown): undefined {
  if (response.status === 401 || response.status === 403) {
    throw new Error(`${url} wants its admin token: put it into BELLWETHER_ADMIN_TOKEN.`);
  }
  const message = messageOf(answer);
  if (response.status === 404 || message === undefined) return undefined;
  throw new Error(message);
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  const { error } = body;
  if (typeof error === "string") return error;
  return typeof error === "object" && error !== null && "message" in error
    ? String(error.message)
    : undefined;
}

/** Where a Bellwether with this configuration answers on this machine. */
export function localAddress({ config }: Pick<Loaded, "config">): string {
  const { host, port } = config.server;
  const local = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${local.includes(":") ? `[${local}]` : local}:${port}`;
}
