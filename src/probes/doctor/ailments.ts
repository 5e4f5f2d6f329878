/**
 * Everything that `bellwether doctor` can find wrong, and what to do about it. docs/troubleshooting.md is made from this
 * table, so that the page and the command never differ.
 */

export interface Ailment {
  /** The check that finds it. */
  readonly check: CheckName;
  /** What is wrong: one sentence, also the page's heading. */
  readonly wrong: string;
  /** What to do. */
  readonly fix: string;
  /** `warning`: it works, but not for long, or not as it could. */
  readonly severity: "error" | "warning";
}

/** The checks, in the order in which they are made, as the page heads them. */
export const checks = {
  configuration: "Configuration",
  key: "Keys",
  network: "Network",
  clock: "Clock",
  account: "Account",
  models: "Models",
  streaming: "Streaming",
  port: "Port",
  prometheus: "Prometheus",
} as const;
export type CheckName = keyof typeof checks;

const error = (check: CheckName, wrong: string, fix: string): Ailment => ({
  check,
  wrong,
  fix,
  severity: "error",
});
const warning = (check: CheckName, wrong: string, fix: string): Ailment => ({
  check,
  wrong,
  fix,
  severity: "warning",
});

export const ailments = {
  configuration_refused: error(
    "configuration",
    "The configuration cannot be used.",
    "Mend what is named, with file and line; `bellwether check` tells all of it again. docs/configuration.md explains every key.",
  ),
  configuration_warning: warning(
    "configuration",
    "The configuration can be used, but something in it is probably not meant.",
    "Read the warning, and change or remove the setting or the variable that it names.",
  ),
  no_upstream: error(
    "configuration",
    "No upstream is configured, and no key is in the environment.",
    "Set HOLYSHEEP_API_KEY (or OPENAI_API_KEY, ANTHROPIC_API_KEY, …), or write a bellwether.yaml with `upstreams`. Without either, `serve` answers with a simulation.",
  ),
  proxy_ignored: warning(
    "configuration",
    "A proxy variable is set, but Bellwether does not use it.",
    "If upstreams are to be reached through the proxy, set `proxy` of the upstream in the configuration; else ignore this.",
  ),
  base_url_ignored: warning(
    "configuration",
    "A base URL is set in the environment, but Bellwether does not read it.",
    "OPENAI_BASE_URL and its like point clients at a gateway. To move an upstream set its `baseUrl` in the configuration.",
  ),
  no_key: warning(
    "key",
    "The upstream has no key.",
    "Set `apiKey` of the upstream, unless it needs none, or clients bring their own (`server.auth: passthrough`).",
  ),
  key_malformed: error(
    "key",
    "The key cannot be right as it is written.",
    "Copy it again from your account at the upstream: one line, without quotes and without `Bearer `.",
  ),
  key_refused: error(
    "key",
    "The upstream refuses the key.",
    "It was mistyped, revoked, or belongs to another vendor or region. Look it up in your account at the upstream, make a new one if need be, and put it where the old one was: a changed file is noticed by itself, a changed variable needs a restart.",
  ),
  key_expired: error(
    "key",
    "The key has expired.",
    "Make a new key in your account at the upstream, and put it where the old one was; a reload is enough.",
  ),
  key_expires_soon: warning(
    "key",
    "The key expires within two weeks.",
    "Make a new key in your account at the upstream before that day.",
  ),
  key_no_quota: error(
    "account",
    "The account, or the quota of this key, is used up.",
    "Top up the account at the upstream, or raise the key's quota there. Until then send traffic to another upstream.",
  ),
  dns_fails: error(
    "network",
    "The upstream's name cannot be looked up.",
    "Check the host in `baseUrl` for a typing mistake. If it is right, check this machine's name server (`getent hosts NAME`); in a container, its network. Behind a proxy set `proxy`.",
  ),
  connect_fails: error(
    "network",
    "The upstream does not accept a connection.",
    "Check port and scheme in `baseUrl`, and that a firewall lets this machine out. Where only a proxy may go out, set `proxy` of the upstream.",
  ),
  tls_fails: error(
    "network",
    "The TLS handshake with the upstream fails.",
    "If the certificate is of a private authority (or a proxy's), name its file under `ca`. If it has expired, only the upstream can help. If the port speaks plain HTTP, write http:// in `baseUrl`.",
  ),
  connect_slow: warning(
    "network",
    "A connection takes more than a second.",
    "The upstream is far away, or the way to it is bad. Try another region or address of the vendor; connections are kept open, so that calls in a row do not pay for it again.",
  ),
  certificate_expires_soon: warning(
    "network",
    "The upstream's certificate expires within two weeks.",
    "Tell the upstream; past that day nobody can call it. For a certificate of your own, renew it.",
  ),
  clock_skewed: warning(
    "clock",
    "This machine's clock differs from the upstream's by more than 30 seconds.",
    "Set the clock (`timedatectl set-ntp true`). A wrong clock makes certificates and signed notifications fail, and puts costs into wrong days.",
  ),
  account_unread: warning(
    "account",
    "What is left on the account cannot be read.",
    "If the relay tells it elsewhere, say where under `balance` of the upstream (`url`, `pointer`); `balance: { poller: none }` if it tells it nowhere.",
  ),
  account_unknown: warning(
    "account",
    "Nobody knows how to read what is left on the account.",
    "Say how under `balance` of the upstream: `{ poller: one-api }` for most relays, or `url` and `pointer`; `{ poller: none }` to be left alone.",
  ),
  balance_low: warning(
    "account",
    "Less than one unit of its currency is left on the account.",
    "Top it up soon: at the upstream, calls begin to fail with 402, 403 or 429 once it is empty.",
  ),
  models_unread: error(
    "models",
    "The upstream's list of models cannot be read.",
    "If other probes are well, its address may lack a path: most base URLs end in /v1. If the upstream has no such list, leave `openai-models` out of its `dialects`.",
  ),
  model_missing: error(
    "models",
    "A configured model is not in the upstream's list.",
    "Check its spelling against the list (`bellwether probe -m models --json`). It may have been renamed or withdrawn, or the key's group may not have it: choose another, or an `alias`.",
  ),
  model_unpriced: warning(
    "models",
    "A configured model has no price, so that its cost is not counted.",
    "Add its price under `prices` of the upstream, or import a list (`bellwether prices import`).",
  ),
  chat_fails: error(
    "streaming",
    "A small completion fails.",
    "Read the upstream's words. If it does not know the model, set `probes.models.chat` to one it has. If it timed out, try again: the upstream may be overloaded.",
  ),
  rate_limited: warning(
    "streaming",
    "The upstream limits the rate of calls just now.",
    "Wait for as long as it says, or ask the vendor for a higher limit; probe less often (`probes.interval`).",
  ),
  stream_buffered: warning(
    "streaming",
    "A stream comes in one piece.",
    "Something on the way (a proxy, a CDN, the relay's nginx) buffers it: turn that off (`proxy_buffering off`), else users see nothing until an answer is complete.",
  ),
  port_taken: warning(
    "port",
    "The port that `serve` would listen on is taken by another program.",
    "Stop that program, or choose another port: `server.port`, or `--port`.",
  ),
  port_refused: error(
    "port",
    "The address that `serve` would listen on cannot be used.",
    "Check `server.host`: it must be an address of this machine. Ports under 1024 need privileges.",
  ),
  prometheus_unreachable: error(
    "prometheus",
    "Prometheus cannot be reached.",
    "Check the address given with --prometheus, and that Prometheus runs there.",
  ),
  prometheus_does_not_scrape: warning(
    "prometheus",
    "Prometheus runs, but scrapes no target of Bellwether's.",
    "Add a job to its `scrape_configs` with the address of `serve` or of the exporter (docs/exporter.md has one), and reload it.",
  ),
  prometheus_target_down: error(
    "prometheus",
    "Prometheus cannot scrape a target of Bellwether's.",
    "Check that it can reach the address: 127.0.0.1 in a container is the container. Bellwether listens on loopback alone unless `server.host` (or --host) says otherwise.",
  ),
} as const satisfies Record<string, Ailment>;

export type AilmentName = keyof typeof ailments;

/** docs/troubleshooting.md. */
export function troubleshootingDocument(): string {
  const sections = (Object.keys(checks) as CheckName[]).map((check) => {
    const found = Object.entries(ailments).filter(([, ailment]) => ailment.check === check);
    const entries = found.map(([name, { wrong, fix, severity }]) =>
      [
        `### ${wrong}`,
        "",
        `\`${name}\`, ${severity === "error" ? "an error" : "a warning"}.`,
        "",
        fix,
        "",
      ].join("\n"),
    );
    return [`## ${checks[check]}`, "", ...entries].join("\n");
  });
  return [INTRODUCTION, ...sections].join("\n");
}

const INTRODUCTION = `\
<!-- Generated from src/probes/doctor/ailments.ts; rewrite it with \`npm run generate\`. -->

# Troubleshooting

\`bellwether doctor\` looks for everything on this page and says what it found; \`--json\` for scripts. It uses the same
configuration as \`serve\`, makes a tiny completion for each upstream, and changes nothing. The exit status is 0 when
nothing is wrong, 1 when there is an error; warnings alone are 0.

    bellwether doctor
    bellwether doctor --config /etc/bellwether.yaml --prometheus http://127.0.0.1:9090

`;
