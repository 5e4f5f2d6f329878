/** Where an upstream's paths are: what the configured URLs mean, worked out once per upstream. */
import type { Upstream } from "./upstream.ts";

export interface Address {
  readonly origin: string;
  /** Path that stands for the client's `/v1`. */
  readonly basePath: string;
  /** Path in front of the client's `/v1beta`. */
  readonly rootPath: string;
}

const addresses = new WeakMap<Upstream, Address>();

export function addressOf(upstream: Upstream): Address {
  let address = addresses.get(upstream);
  if (address === undefined) {
    const base = new URL(upstream.baseUrl);
    address = {
      origin: base.origin,
      basePath: withoutTrailingSlash(base.pathname),
      rootPath: withoutTrailingSlash(new URL(upstream.rootUrl).pathname),
    };
    addresses.set(upstream, address);
  }
  return address;
}

/** The upstream's path for a client's path (which starts with `/v1` or `/v1beta`). */
export function upstreamPath(upstream: Upstream, path: string): string {
  const { basePath, rootPath } = addressOf(upstream);
  return path.startsWith("/v1/") || path === "/v1" ? basePath + path.slice(3) : rootPath + path;
}

function withoutTrailingSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}
