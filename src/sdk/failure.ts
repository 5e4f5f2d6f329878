/** What a failed `fetch` means, as one of the catalogue's errors. What the app sees stays the original error. */
import { BellwetherError, type ErrorCode } from "../core/errors.ts";

/** What runtimes call it: Node.js (undici, libuv, TLS), Bun and Deno. */
const MEANINGS: readonly { readonly code: ErrorCode; readonly when: RegExp }[] = [
  { code: "upstream_connect_timeout", when: /^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|ConnectionTimeout)$/ },
  { code: "upstream_first_byte_timeout", when: /^UND_ERR_HEADERS_TIMEOUT$/ },
  { code: "upstream_idle_timeout", when: /^UND_ERR_BODY_TIMEOUT$/ },
  { code: "upstream_reset", when: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|ConnectionClosed|ConnectionReset)$/ },
  {
    code: "upstream_malformed",
    when: /^(HPE_\w+|UND_ERR_(RES|RESPONSE)\w*|UND_ERR_HEADERS_OVERFLOW|Malformed\w*|Z_\w+)$/,
  },
];

/** `limit` of the runtime's own timeouts is not known here. */
const UNKNOWN_LIMIT = "the runtime's own limit of";

/**
 * @param thrown what `fetch`, or reading its body, rejected with
 * @param begun the answer had begun
 */
export function failureOf(thrown: unknown, upstream: string, begun: boolean): BellwetherError {
  if (thrown instanceof BellwetherError) return thrown;
  const code = codeOf(thrown);
  const meaning = MEANINGS.find(({ when }) => when.test(code))?.code;
  const details = { upstream, limit: UNKNOWN_LIMIT, why: code || messageOf(thrown) };
  // Once an answer has begun, whatever goes wrong ends it early.
  return new BellwetherError(meaning ?? (begun ? "upstream_reset" : "upstream_unreachable"), details, thrown);
}

/** The code of an error, or of what caused it. */
function codeOf(thrown: unknown): string {
  let error: unknown = thrown;
  for (let depth = 0; depth < 4 && typeof error === "object" && error !== null; depth++) {
    const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === "string") return code;
    // Several addresses of one name were tried.
    error = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return "";
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
