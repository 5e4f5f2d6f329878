/**
 * Makes the upstreams that the gateway uses from presets, configuration and environment. With upstreams
 * configured those are all; with none, each preset whose key is in the environment is one.
 */
import { defaultUpstream } from "../config/defaults.ts";
import type { Environment } from "../config/environment.ts";
import {
  ConfigError,
  type Locate,
  nearest,
  type Path,
  type Problem,
  problemAt,
  sortProblems,
} from "../config/problems.ts";
import { modelProblems } from "../config/references.ts";
import { isLoopback } from "../config/safety.ts";
import type { Config, UpstreamConfig } from "../config/schema.ts";
import type { Pricing } from "../prices/pricing.ts";
import { type BaseUrls, parseBaseUrl } from "./base-url.ts";
import { keyFault } from "./key-check.ts";
import { allDialects, type Preset, presetNamed, presetNames } from "./presets.ts";
import type { BalanceSource, Upstream } from "./upstream.ts";

export interface ResolveOptions {
  /** Finds a setting in the file it came from (`Loaded.locate`). */
  readonly locate?: Locate;
  /** Receives what is probably, but not certainly, wrong. */
  readonly warn?: (message: string) => void;
}

/**
 * The upstreams in the order of preference. An empty list means that nothing is configured and no key is
 * in the environment.
 * @throws ConfigError with every problem found.
 */
export function resolveUpstreams(config: Config, env: Environment, options: ResolveOptions = {}): Upstream[] {
  const resolver = new Resolver(config, env, options);
  const configured = Object.entries(config.upstreams);
  const upstreams =
    configured.length > 0
      ? configured.map(([name, upstream]) => resolver.configured(name, upstream))
      : presetNames.map((name) => resolver.fromEnvironment(name));
  const resolved = upstreams.filter((upstream) => upstream !== undefined);
  if (configured.length === 0 && resolver.problems.length === 0) {
    const names = resolved.map(({ name }) => name);
    resolver.problems.push(...modelProblems(config.models, names, options.locate));
  }
  if (resolver.problems.length > 0) throw new ConfigError(sortProblems(resolver.problems));
  return resolved;
}

/** A value with the place that problems with it are reported at. */
interface Given {
  readonly value: string;
  problem(message: string, hint: string): Problem;
}

/** Headers by which a key may be sent instead of `apiKey`. */
const KEY_HEADERS = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

class Resolver {
  readonly problems: Problem[] = [];
  readonly #config: Config;
  readonly #env: Environment;
  readonly #locate: Locate | undefined;
  readonly #warn: (message: string) => void;

  constructor(config: Config, env: Environment, { locate, warn = () => {} }: ResolveOptions) {
    this.#config = config;
    this.#env = env;
    this.#locate = locate;
    this.#warn = warn;
  }

  /** The preset as an upstream, if its key is in the environment. */
  fromEnvironment(name: string): Upstream | undefined {
    const preset = presetNamed(name);
    if (preset === undefined) return undefined;
    const { apiKey, baseUrl } = preset.env;
    if (this.#env[apiKey] === undefined || this.#env[apiKey] === "") {
      if (this.#env[apiKey] === "") this.#warn(`${apiKey} is set but empty, and is ignored.`);
      if (baseUrl !== undefined && this.#env[baseUrl]) {
        this.#warn(`${baseUrl} is set but ${apiKey} is not: upstream ${name} is not used.`);
      }
      return undefined;
    }
    return this.#build(name, { ...defaultUpstream, preset: name }, preset);
  }

  configured(name: string, config: UpstreamConfig): Upstream | undefined {
    const preset = config.preset === undefined ? undefined : presetNamed(config.preset);
    if (config.preset !== undefined && preset === undefined) {
      const meant = nearest(config.preset, presetNames);
      this.#problem(
        ["upstreams", name, "preset"],
        "there is no such preset",
        meant === undefined ? `Known: ${presetNames.join(", ")}.` : `Did you mean "${meant}"?`,
      );
      return undefined;
    }
    return this.#build(name, config, preset);
  }

  #build(name: string, config: UpstreamConfig, preset: Preset | undefined): Upstream | undefined {
    const urls = this.#urls(name, config, preset);
    const apiKeys = this.#keys(name, config);
    const apiKey = apiKeys?.[0] ?? this.#key(name, config, preset);
    const headers = this.#headers(name, config);
    const proxy = this.#proxy(name, config);
    const pricing = this.#pricing(name, config, preset);
    if (urls === undefined) return undefined;
    this.#checkPlainHttp(name, urls.baseUrl, apiKey);
    return {
      name,
      provider: config.preset ?? name,
      ...urls,
      apiKey,
      ...(apiKeys === undefined ? {} : { apiKeys }),
      dialects: new Set(config.dialects ?? preset?.dialects ?? allDialects),
      timeouts: config.timeouts,
      ...(config.retries === undefined
        ? {}
        : { retries: { ...config.retries, on: new Set(config.retries.on) } }),
      ...(config.hedge === undefined ? {} : { hedge: config.hedge }),
      ...(config.breaker.enabled ? { breaker: config.breaker } : {}),
      onClientGone: config.onClientGone,
      drain: config.drain,
      includeUsage: config.includeUsage ?? preset?.includeUsage ?? true,
      headers,
      proxy,
      ca: config.ca?.text,
      owns: preset?.owns ?? [],
      pricing,
      probing: {
        balance: this.#balance(name, config, preset),
        models: preset?.probeModels ?? {},
        publicModels: preset?.publicModels === true,
      },
    };
  }

  #urls(name: string, config: UpstreamConfig, preset: Preset | undefined): BaseUrls | undefined {
    const given =
      this.#setting(["upstreams", name, "baseUrl"], config.baseUrl) ?? this.#variable(preset?.env.baseUrl);
    if (given === undefined) {
      if (preset === undefined) {
        this.#problem(
          ["upstreams", name],
          "has neither `preset` nor `baseUrl`",
          `Give it a base URL, as https://relay.example/v1, or one of the presets ${presetNames.join(", ")}.`,
          "key",
        );
        return undefined;
      }
      const { baseUrl, rootUrl } = preset;
      return rootUrl === undefined ? (parseBaseUrl(baseUrl) as BaseUrls) : { baseUrl, rootUrl };
    }
    const urls = parseBaseUrl(given.value);
    if ("fault" in urls) {
      this.problems.push(given.problem(`the base URL ${urls.fault}`, urls.fix));
      return undefined;
    }
    if (this.#isSelf(urls.baseUrl)) {
      this.problems.push(
        given.problem(
          "the base URL is Bellwether's own address, so that it would call itself",
          "Give the upstream's address here, and Bellwether's to your clients.",
        ),
      );
    }
    return urls;
  }

  #isSelf(baseUrl: string): boolean {
    const { hostname, port, protocol } = new URL(baseUrl);
    const { server } = this.#config;
    const samePort = Number(port || (protocol === "https:" ? 443 : 80)) === server.port;
    const local = isLoopback(hostname) || hostname === "0.0.0.0" || hostname === "[::]";
    return (
      samePort && (hostname === server.host || (local && (isLoopback(server.host) || isAny(server.host))))
    );
  }

  #keys(name: string, { apiKey, apiKeys }: UpstreamConfig): readonly string[] | undefined {
    if (apiKeys === undefined) return undefined;
    const path: Path = ["upstreams", name, "apiKeys"];
    if (apiKey !== undefined) {
      this.#problem(path, "is given beside `apiKey`", "Put all keys into `apiKeys`, or give `apiKey` alone.");
    }
    const values = apiKeys.map((key) => key.reveal());
    for (const [index, value] of values.entries()) {
      const fault = keyFault(value);
      if (fault !== undefined) this.#problem([...path, index], `the key ${fault.fault}`, fault.fix);
      if (values.indexOf(value) < index) this.#problem([...path, index], "is there twice", "Remove one.");
    }
    return values;
  }

  #key(name: string, config: UpstreamConfig, preset: Preset | undefined): string | undefined {
    const path: Path = ["upstreams", name, "apiKey"];
    const given = this.#setting(path, config.apiKey?.reveal()) ?? this.#variable(preset?.env.apiKey);
    if (given === undefined) {
      const byHeader = Object.keys(config.headers).some((header) =>
        KEY_HEADERS.includes(header.toLowerCase()),
      );
      if (preset !== undefined && !byHeader && this.#config.server.auth !== "passthrough") {
        this.#problem(
          path,
          "has no key",
          `Set ${preset.env.apiKey}, or \`apiKey\`; or \`server.auth: passthrough\`, if clients send their own.`,
        );
      }
      return undefined;
    }
    const fault = keyFault(given.value);
    if (fault !== undefined) this.problems.push(given.problem(`the key ${fault.fault}`, fault.fix));
    return given.value;
  }

  #headers(name: string, config: UpstreamConfig): (readonly [string, string])[] {
    return Object.entries(config.headers).map(([header, secret]) => {
      const value = secret.reveal();
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
        this.#problem(
          ["upstreams", name, "headers", header],
          "contains characters that a header cannot hold",
          "Use one line of Latin-1 text.",
        );
      }
      return [header, value] as const;
    });
  }

  #proxy(name: string, config: UpstreamConfig): string | undefined {
    const proxy = config.proxy?.reveal();
    if (proxy !== undefined && (!/^https?:\/\/\S+$/i.test(proxy) || !URL.canParse(proxy))) {
      this.#problem(
        ["upstreams", name, "proxy"],
        "is not an http or https URL",
        "Write it as http://proxy.internal:3128.",
      );
    }
    return proxy;
  }

  #pricing(name: string, config: UpstreamConfig, preset: Preset | undefined): Pricing {
    const { currency, usdPer = 1, priceMultiplier, prices } = config;
    if (currency !== "USD" && config.usdPer === undefined) {
      this.#problem(
        ["upstreams", name, "currency"],
        `has no exchange rate`,
        `Say under \`usdPer\` what one ${currency} costs in USD at this upstream.`,
      );
    }
    if (currency === "USD" && usdPer !== 1) {
      this.#problem(
        ["upstreams", name, "usdPer"],
        "a dollar costs one dollar",
        "Name the other currency under `currency`, or use `priceMultiplier` for a surcharge.",
      );
    }
    return { list: preset?.priceList, own: ownPrices(prices), multiplier: priceMultiplier, currency, usdPer };
  }

  #balance(name: string, config: UpstreamConfig, preset: Preset | undefined): BalanceSource | undefined {
    const { balance } = config;
    if (balance === undefined) return preset?.balance === undefined ? undefined : { poller: preset.balance };
    const { poller, apiKey, ...rest } = balance;
    if (poller === "none") return undefined;
    if (poller === "custom" && (balance.url === undefined || balance.pointer === undefined)) {
      this.#problem(
        ["upstreams", name, "balance"],
        "does not say what to read",
        "Give `url` and `pointer`, as { url: /v1/billing, pointer: /remaining }; or name a `poller`.",
        "key",
      );
    }
    return { poller, ...rest, apiKey: apiKey?.reveal() };
  }

  #checkPlainHttp(name: string, baseUrl: string, apiKey: string | undefined): void {
    const { protocol, hostname } = new URL(baseUrl);
    if (protocol === "http:" && apiKey !== undefined && !isLoopback(hostname)) {
      this.#warn(`upstream ${name}: the key is sent over plain http, where others on the way can read it.`);
    }
  }

  #setting(path: Path, value: string | undefined): Given | undefined {
    if (value === undefined) return undefined;
    return { value, problem: (message, hint) => problemAt(this.#locate, path, message, hint) };
  }

  #variable(name: string | undefined): Given | undefined {
    const value = name === undefined ? undefined : this.#env[name];
    if (name === undefined || value === undefined || value === "") return undefined;
    return { value, problem: (message, hint) => ({ path: name, message, hint }) };
  }

  #problem(path: Path, message: string, hint: string, part?: "key" | "value"): void {
    this.problems.push(problemAt(this.#locate, path, message, hint, part));
  }
}

function isAny(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "[::]";
}

/** Only what was given: an absent price is absent, not undefined. */
function ownPrices(prices: UpstreamConfig["prices"]): Pricing["own"] {
  return Object.fromEntries(
    Object.entries(prices).map(([model, price]) => [
      model,
      Object.fromEntries(Object.entries(price).filter(([, value]) => value !== undefined)),
    ]),
  );
}
