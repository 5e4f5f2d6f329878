/**
 * What a URL means to the meter: which upstream it belongs to, and which path of the API as the gateway
 * knows it (`/v1/…`, `/v1beta/…`). Worked out once per URL and remembered, within bounds.
 */
import type { Pricing } from "../prices/pricing.ts";
import { parseBaseUrl } from "../upstreams/base-url.ts";
import { presetNamed, presetNames } from "../upstreams/presets.ts";
import type { Operation } from "../usage/dialect.ts";
import { recognise } from "../usage/dialects/index.ts";
import type { FallbackOptions, MeterOptions } from "./options.ts";

/** An upstream as the meter knows it. */
export interface MeteredUpstream {
  readonly name: string;
  /** The preset's name, else the upstream's own. */
  readonly provider: string;
  readonly host: string;
  readonly pricing: Pricing;
  readonly includeUsage: boolean;
}

export interface Target {
  readonly upstream: MeteredUpstream;
  readonly operation: Operation;
  /** Without query. */
  readonly path: string;
}

/** Where a call goes instead. */
export interface Fallback {
  readonly upstream: MeteredUpstream;
  readonly apiKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The address there of a path with query. */
  url(path: string): string;
}

/** URLs remembered per method; when they are more, all are forgotten. Most apps call three or four. */
const MAX_URLS = 512;
/** Host names that become upstreams of their own; beyond that they share one. */
const MAX_HOSTS = 32;
const OTHER_HOSTS = "other";

/** The path of an API behind any prefix, as `/openai/v1/chat/completions` or `/api/v1beta/models/x:y`. */
const VERSIONED = /^.*(\/v1(?:beta)?\/.+)$/;
/** The same where the version is another, or none. */
const ENDPOINT =
  /\/((?:chat\/)?completions|responses|embeddings|messages|models|images\/(?:generations|edits)|audio\/(?:speech|transcriptions|translations))$/;

/** What options may tell of an upstream. */
interface KnownOf extends Pick<FallbackOptions, "prices" | "priceMultiplier" | "includeUsage"> {
  readonly preset?: string | undefined;
}

interface Place {
  readonly baseUrl: string;
  readonly rootUrl: string;
}

export class Targets {
  readonly #options: MeterOptions;
  readonly #own: Place | undefined;
  /** By method, then by URL without query. */
  readonly #known = new Map<string, Map<string, Target | undefined>>();
  readonly #upstreams = new Map<string, MeteredUpstream>();
  #onNew: (() => void) | undefined;
  readonly fallbacks: readonly Fallback[];

  /** `onNew` is called whenever an upstream was added after these. */
  constructor(options: MeterOptions, onNew: () => void) {
    this.#options = options;
    this.#own = options.baseUrl === undefined ? undefined : placeOf(options.baseUrl);
    this.fallbacks = (options.fallbacks ?? []).map((each) =>
      this.#fallback(typeof each === "string" ? { baseUrl: each } : each),
    );
    if (options.upstream !== undefined) this.#named(options.upstream, hostOf(options.baseUrl), options);
    this.#onNew = onNew;
  }

  get upstreams(): Iterable<MeteredUpstream> {
    return this.#upstreams.values();
  }

  named(name: string): MeteredUpstream | undefined {
    return this.#upstreams.get(name);
  }

  /** What a call is to the meter; undefined when it is no call of an LLM API. `method` is upper case. */
  find(method: string, url: string): Target | undefined {
    const mark = url.indexOf("?");
    const key = mark === -1 ? url : url.slice(0, mark);
    let byUrl = this.#known.get(method);
    if (byUrl === undefined) {
      byUrl = new Map();
      this.#known.set(method, byUrl);
    }
    const known = byUrl.get(key);
    if (known !== undefined || byUrl.has(key)) return known;
    const target = this.#lookUp(method, url);
    if (byUrl.size >= MAX_URLS) byUrl.clear();
    byUrl.set(key, target);
    return target;
  }

  #lookUp(method: string, text: string): Target | undefined {
    if (!URL.canParse(text)) return undefined;
    const url = new URL(text);
    const address = url.origin + url.pathname;
    const preset = presetNames.find((name) => presetNamed(name) && pathAt(presetPlace(name), address));
    const path =
      (this.#own && pathAt(this.#own, address)) ??
      (preset && pathAt(presetPlace(preset), address)) ??
      VERSIONED.exec(url.pathname)?.[1] ??
      endpointPath(url.pathname);
    const operation = path === undefined ? undefined : recognise(method, path);
    if (path === undefined || operation === undefined) return undefined;
    return { upstream: this.#upstreamOf(url.hostname, preset), operation, path };
  }

  #upstreamOf(host: string, preset: string | undefined): MeteredUpstream {
    const { upstream } = this.#options;
    if (upstream !== undefined) return this.#named(upstream, host, this.#options);
    const name =
      preset ?? (this.#upstreams.size < MAX_HOSTS || this.#upstreams.has(host) ? host : OTHER_HOSTS);
    return this.#named(name, host, { ...this.#options, preset: this.#options.preset ?? preset });
  }

  #named(name: string, host: string, from: KnownOf): MeteredUpstream {
    const known = this.#upstreams.get(name);
    if (known !== undefined) return known;
    const preset = from.preset ?? (presetNamed(name) === undefined ? undefined : name);
    const facts = preset === undefined ? undefined : presetNamed(preset);
    const upstream: MeteredUpstream = {
      name,
      provider: preset ?? name,
      host,
      pricing: {
        list: facts?.priceList,
        own: from.prices ?? {},
        multiplier: from.priceMultiplier ?? 1,
        currency: "USD",
        usdPer: 1,
      },
      includeUsage: from.includeUsage ?? facts?.includeUsage ?? true,
    };
    this.#upstreams.set(name, upstream);
    this.#onNew?.();
    return upstream;
  }

  #fallback(options: FallbackOptions): Fallback {
    const given = placeOf(options.baseUrl);
    const same = presetNames.find((name) => presetPlace(name).baseUrl === given.baseUrl);
    const preset = options.preset ?? same;
    const place = same === undefined ? given : presetPlace(same);
    const host = new URL(place.baseUrl).hostname;
    return {
      upstream: this.#named(options.name ?? preset ?? host, host, { ...options, preset }),
      apiKey: options.apiKey,
      headers: options.headers ?? {},
      url: (path) => (/^\/v1(?=[/?]|$)/.test(path) ? place.baseUrl + path.slice(3) : place.rootUrl + path),
    };
  }
}

/** The path as the gateway knows it, of an address below a base URL. */
function pathAt(place: Place, address: string): string | undefined {
  if (address.startsWith(`${place.baseUrl}/`)) return `/v1${address.slice(place.baseUrl.length)}`;
  return address.startsWith(`${place.rootUrl}/v1beta/`) ? address.slice(place.rootUrl.length) : undefined;
}

function endpointPath(pathname: string): string | undefined {
  const endpoint = ENDPOINT.exec(pathname)?.[1];
  return endpoint === undefined ? undefined : `/v1/${endpoint}`;
}

/** The options have been checked, so that it is one. */
function placeOf(baseUrl: string): Place {
  return parseBaseUrl(baseUrl) as Place;
}

function presetPlace(name: string): Place {
  const { baseUrl = "", rootUrl } = presetNamed(name) ?? {};
  return rootUrl === undefined ? placeOf(baseUrl) : { baseUrl, rootUrl };
}

function hostOf(baseUrl: string | undefined): string {
  return baseUrl === undefined ? "" : new URL(baseUrl).hostname;
}
