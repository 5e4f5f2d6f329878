/**
 * Who may use the admin API. With a token: whoever shows it, as a bearer token or by a session cookie it was exchanged
 * for. Without one: only this machine, asked for by a loopback name, so that no web page can reach it by a name of its
 * own that leads here (DNS rebinding).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { BellwetherError } from "../../core/errors.ts";
import type { Peer } from "./fetch-handler.ts";

const COOKIE = "bellwether_session";
const SESSION_MS = 12 * 3_600_000;
const MOST_SESSIONS = 1_000;
/** After so many wrong tokens from one address within the span, it has to wait. */
const MOST_FAILURES = 10;
const FAILURE_SPAN_MS = 60_000;
const MOST_ADDRESSES = 10_000;

const LOOPBACK_NAMES = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const LOOPBACK_PEERS = /^(::ffff:)?127\.|^::1$/;

export interface GuardOptions {
  /** In force now; undefined when none is configured. */
  token(): string | undefined;
  /** Wall-clock milliseconds. */
  now(): number;
}

export class Guard {
  readonly #options: GuardOptions;
  /** End of each session by the hash of its secret. */
  readonly #sessions = new Map<string, number>();
  readonly #failures = new Map<string, number[]>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** @throws BellwetherError `admin_forbidden`, `admin_unauthorized` or `admin_throttled`. */
  check(request: Request, peer: Peer): void {
    const { headers } = request;
    if (changes(request) && crossSite(headers))
      throw new BellwetherError("admin_forbidden", { why: "a web page of another site asked" });
    const token = this.#options.token();
    if (token === undefined) {
      if (!LOOPBACK_PEERS.test(peer.address)) {
        throw new BellwetherError("admin_forbidden", {
          why: "no `server.adminToken` is configured, so only this machine may",
        });
      }
      if (!LOOPBACK_NAMES.test(headers.get("host") ?? "")) {
        throw new BellwetherError("admin_forbidden", {
          why: "it was not asked for by a name of this machine, as localhost",
        });
      }
      return;
    }
    const bearer = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (bearer !== undefined) return this.#compare(bearer, token, peer);
    if (this.#hasSession(headers)) return;
    throw new BellwetherError("admin_unauthorized");
  }

  /** Whether a token has to be shown at all. */
  get needsToken(): boolean {
    return this.#options.token() !== undefined;
  }

  /** Exchanges the token for a session; the value of `Set-Cookie`. @throws as `check`. */
  login(shown: string, request: Request, peer: Peer): string {
    if (crossSite(request.headers))
      throw new BellwetherError("admin_forbidden", { why: "a web page of another site asked" });
    const token = this.#options.token();
    if (token === undefined) {
      this.check(request, peer);
      return cookie("", 0);
    }
    this.#compare(shown, token, peer);
    const secret = randomBytes(32).toString("base64url");
    const now = this.#options.now();
    for (const [hash, end] of this.#sessions)
      if (end <= now || this.#sessions.size >= MOST_SESSIONS) this.#sessions.delete(hash);
    this.#sessions.set(hashOf(secret), now + SESSION_MS);
    return cookie(secret, SESSION_MS / 1000);
  }

  /** Ends the session; the value of `Set-Cookie`. */
  logout(request: Request): string {
    const secret = sessionOf(request.headers);
    if (secret !== undefined) this.#sessions.delete(hashOf(secret));
    return cookie("", 0);
  }

  #compare(shown: string, token: string, { address }: Peer): void {
    const now = this.#options.now();
    const recent = (this.#failures.get(address) ?? []).filter((at) => now - at < FAILURE_SPAN_MS);
    if (recent.length >= MOST_FAILURES) throw new BellwetherError("admin_throttled");
    // Hashes are as long as each other, whatever is shown.
    if (timingSafeEqual(Buffer.from(hashOf(shown)), Buffer.from(hashOf(token)))) return;
    if (this.#failures.size >= MOST_ADDRESSES) this.#failures.clear();
    this.#failures.set(address, [...recent, now]);
    throw new BellwetherError("admin_unauthorized");
  }

  #hasSession(headers: Headers): boolean {
    const secret = sessionOf(headers);
    const end = secret === undefined ? undefined : this.#sessions.get(hashOf(secret));
    return end !== undefined && end > this.#options.now();
  }
}

function changes({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** Browsers say where a request comes from; programs say nothing. */
function crossSite(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  if (origin === null) return false;
  try {
    return new URL(origin).host !== headers.get("host");
  } catch {
    return true;
  }
}

function sessionOf(headers: Headers): string | undefined {
  for (const part of (headers.get("cookie") ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === COOKIE && value) return value;
  }
  return undefined;
}

function cookie(value: string, seconds: number): string {
  return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
