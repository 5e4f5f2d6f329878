/**
 * Answers made to order, byte by byte, for tests of transparency: the request header `x-sandbox-script` says
 * what to answer, on any path and without a key. `/v1/echo` without a script answers the request's own body.
 */
import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Answer, Call } from "./call.ts";
import { ApiError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { isObject, list, object, positive } from "./json.ts";

/** An answer as it shall be on the wire. */
export interface Script {
  /** Default 200. */
  readonly status?: number;
  /** Names and values in order, written as they are; repeated names stay repeated. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Base64; each is one write, and one chunk of a chunked body. */
  readonly chunks?: readonly string[];
  /** Milliseconds between the writes; default 0. */
  readonly pauseMs?: number;
  /** `half` announces twice the bytes (sized), or leaves out the last chunk (chunked). Default `clean`. */
  readonly end?: "clean" | "reset" | "half";
  /** Default `chunked`. */
  readonly framing?: "sized" | "chunked" | "close";
  /** Fields after a chunked body. */
  readonly trailers?: readonly (readonly [string, string])[];
}

/** Scripts too long for a header, by the short name that stands for them there. */
export class Scripts {
  readonly #kept = new Map<string, Script>();

  /** Keeps a script; the value for the header is returned. */
  keep(script: Script): string {
    const name = `@${this.#kept.size + 1}`;
    this.#kept.set(name, script);
    return name;
  }

  /** The script a header's value stands for. @throws ApiError */
  read(header: string): Script {
    const kept = this.#kept.get(header);
    if (kept !== undefined) return kept;
    try {
      const script = JSON.parse(Buffer.from(header, "base64").toString("utf8")) as unknown;
      if (isObject(script)) return script as Script;
    } catch {
      // Told below.
    }
    throw new ApiError(
      400,
      "x-sandbox-script must be base64 of a JSON object, or the name of a kept script.",
    );
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** A checked script, ready to be played. */
export interface Play {
  readonly status: number;
  readonly headers: readonly string[];
  readonly chunks: readonly Buffer[];
  readonly pauseMs: number;
  readonly end: "clean" | "reset" | "half";
  readonly framing: "sized" | "chunked" | "close";
  readonly trailers: readonly (readonly [string, string])[];
}

/** Checks a script, which may come from anybody. @throws ApiError */
export function prepare(script: Script): Play {
  const { status = 200, pauseMs = 0, end = "clean", framing = "chunked" } = script;
  if (!(positive(status) !== undefined && status >= 200 && status <= 999)) {
    throw new ApiError(400, "x-sandbox-script: status must be 200 to 999.");
  }
  return {
    status,
    headers: fieldsOf(script.headers).flat(),
    chunks: list(script.chunks).map((chunk) => Buffer.from(String(chunk), "base64")),
    pauseMs: Number(pauseMs) || 0,
    end,
    framing,
    trailers: fieldsOf(script.trailers),
  };
}

function fieldsOf(given: unknown): readonly (readonly [string, string])[] {
  return list(given).map((field) => {
    const { 0: name, 1: value } = object({ ...list(field) });
    try {
      validateHeaderName(String(name));
      validateHeaderValue(String(name), String(value));
    } catch (error) {
      throw new ApiError(400, `x-sandbox-script: ${error instanceof Error ? error.message : "bad header"}`);
    }
    return [String(name), String(value)];
  });
}

/** Writes the answer as scripted. */
export async function play(exchange: Exchange, script: Play): Promise<void> {
  exchange.response.sendDate = false;
  const length = script.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const announced = script.end === "half" ? length * 2 + 1 : length;
  exchange.begin(script.status, [...script.headers], script.framing === "sized" ? announced : script.framing);
  // Node.js would flush a head alone as UTF-8, though header values are latin1; before a body it does not.
  if (length === 0 && script.end !== "clean") exchange.response.flushHeaders();
  for (const [index, chunk] of script.chunks.entries()) {
    if (index > 0 && script.pauseMs > 0) await exchange.sleep(script.pauseMs);
    if (exchange.over) return;
    if (chunk.length > 0) await exchange.write(chunk);
  }
  if (script.end === "reset") return exchange.reset();
  if (script.end === "half") return exchange.hangUp();
  exchange.end(script.trailers);
}

/** `/v1/echo` without a script: what was sent, under the type it was sent as. */
export function echo(call: Call): Answer {
  const contentType = call.headers["content-type"] ?? "application/octet-stream";
  return { status: 200, contentType, content: call.body, used: {} };
}
