/**
 * Posts JSON and judges an answer's status. Channels' addresses hold their secrets, so no error names one, and
 * redirects are not followed.
 */
import { later, refused, type Verdict } from "./verdict.ts";

export interface HttpAnswer {
  readonly status: number;
  /** At most the first 64 KiB. */
  readonly text: string;
  /** What `retry-after` asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** @throws PostError */
export type Post = (
  url: string,
  body: object,
  headers?: Readonly<Record<string, string>>,
) => Promise<HttpAnswer>;

/** There was no answer. The message does not name the address. */
export class PostError extends Error {
  override readonly name = "PostError";
}

const TIME_LIMIT_MS = 15_000;
const LONGEST_ANSWER_BYTES = 64 * 1024;

export const postJson: Post = async (url, body, headers = {}) => {
  const signal = AbortSignal.timeout(TIME_LIMIT_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8", ...headers },
      body: JSON.stringify(body),
      redirect: "manual",
      signal,
    });
    return {
      status: response.status,
      text: await beginningOf(response),
      retryAfterMs: retryAfter(response.headers.get("retry-after")),
    };
  } catch (error) {
    throw new PostError(whyNot(error));
  }
};

async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= LONGEST_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, LONGEST_ANSWER_BYTES);
}

/** Seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name cannot be looked up at the moment",
  ECONNREFUSED: "nothing listens at the address",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  UND_ERR_CONNECT_TIMEOUT: "no connection within the time limit",
  CERT_HAS_EXPIRED: "the server's certificate has expired",
};

function whyNot(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return `no answer within ${TIME_LIMIT_MS / 1000} s`;
  }
  const { cause } = error as { cause?: { code?: string } };
  const code = cause?.code ?? "";
  return REASONS[code] ?? (code === "" ? "the request failed" : `the request failed (${code})`);
}

/** Judges by the status alone; undefined when it is a success and the body has to be looked at. */
export function badStatus({ status, text, retryAfterMs }: HttpAnswer): Verdict | undefined {
  if (status >= 200 && status < 300) return undefined;
  const why = `HTTP ${status}${text === "" ? "" : `: ${firstLine(text)}`}`;
  if (status === 429 || status === 408 || status >= 500) return later(why, retryAfterMs);
  return refused(why);
}

/** The answer as a JSON object; undefined when it is none. */
export function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const SHOWN_CHARACTERS = 200;

export function firstLine(text: string): string {
  return (text.trim().split(/\r?\n/, 1)[0] ?? "").slice(0, SHOWN_CHARACTERS);
}
