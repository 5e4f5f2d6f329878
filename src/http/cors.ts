/** Cross-origin resource sharing, for browser applications that call the gateway directly. Off by default. */

export interface CorsSettings {
  /** Allowed origins, or `*`. */
  readonly origins: readonly string[];
  /** How long a browser may remember a preflight's answer, in milliseconds. */
  readonly maxAge: number;
}

/** Headers of an answer to a request from `origin`; none when it is not allowed. */
export function corsHeaders(settings: CorsSettings, origin: string): string[] {
  const anyone = settings.origins.includes("*");
  if (!anyone && !settings.origins.includes(origin)) return [];
  const headers = [
    "access-control-allow-origin",
    anyone ? "*" : origin,
    "access-control-expose-headers",
    "*",
  ];
  return anyone ? headers : [...headers, "vary", "origin"];
}

/** Headers of the answer to a preflight (an OPTIONS request that names the method it asks for). */
export function preflightHeaders(
  settings: CorsSettings,
  origin: string,
  asked: string | undefined,
): string[] {
  const allowed = corsHeaders(settings, origin);
  if (allowed.length === 0) return [];
  return [
    ...allowed,
    "access-control-allow-methods",
    "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
    "access-control-allow-headers",
    asked ?? "*",
    "access-control-max-age",
    String(Math.floor(settings.maxAge / 1000)),
  ];
}

/** Replaces whatever the upstream says about origins: the browser talks to this gateway, not to it. */
export function replaceCorsHeaders(headers: string[], own: readonly string[]): void {
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    if ((headers[at] ?? "").toLowerCase().startsWith("access-control-")) headers.splice(at, 2);
  }
  headers.push(...own);
}
