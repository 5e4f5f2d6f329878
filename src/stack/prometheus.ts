/** Prometheus' own files: what it scrapes, the rules, and where alerts go. */
import { prometheusRules } from "../alerts/compile-prometheus.ts";
import { promDuration } from "../alerts/promql.ts";
import { runbooksOf, type StackFacts } from "./facts.ts";
import { type StackFile, yamlFile } from "./stack-file.ts";

const LONGEST_SCRAPE_S = 10;

const REMOTE_WRITE = `
# Keep the figures for longer, or of many gateways in one place: take away the # of one of these.
#
# VictoriaMetrics:
# remote_write:
#   - url: http://victoriametrics:8428/api/v1/write
#
# Grafana Mimir (a tenant is asked for):
# remote_write:
#   - url: http://mimir:9009/api/v1/push
#     headers: { X-Scope-OrgID: bellwether }
`;

export function prometheusFiles(facts: StackFacts): StackFile[] {
  const { addresses, profiles, files, intervalS } = facts;
  const interval = promDuration(intervalS);
  const config = yamlFile("prometheus/prometheus.yml", {
    global: {
      scrape_interval: interval,
      evaluation_interval: interval,
      scrape_timeout: promDuration(Math.min(intervalS, LONGEST_SCRAPE_S)),
    },
    rule_files: [`${files}/prometheus/rules/*.yml`],
    alerting: { alertmanagers: [{ static_configs: targets(addresses.alertmanager) }] },
    scrape_configs: [
      {
        job_name: "bellwether",
        ...token(facts),
        params: profileParams(profiles),
        static_configs: targets(addresses.bellwether),
      },
      { job_name: "bellwether-exporter", ...token(facts), static_configs: targets(addresses.exporter) },
      ...facts.probeModules.map((module) => probeJob(facts, module)),
      blackboxJob(facts),
      { job_name: "node", static_configs: targets(addresses.node) },
      { job_name: "prometheus", static_configs: targets(addresses.prometheus) },
      { job_name: "alertmanager", static_configs: targets(addresses.alertmanager) },
    ],
  });
  return [
    { ...config, text: `${config.text}${REMOTE_WRITE}` },
    yamlFile("prometheus/rules/bellwether.yml", prometheusRules(facts.rules, runbooksOf(facts), intervalS)),
    blackboxFile(),
  ];
}

function targets(...addresses: string[]): object[] {
  return [{ targets: addresses }];
}

/** The default profile is always there; further ones beside it. */
function profileParams(profiles: readonly string[]): object | undefined {
  return profiles.length === 0 ? undefined : { profile: ["bellwether", ...profiles] };
}

function token({ adminToken, secrets }: StackFacts): object {
  return adminToken ? { authorization: { credentials_file: `${secrets}/bellwether-admin-token` } } : {};
}

/** Multi-target probing as blackbox_exporter has it: this file decides the rhythm. */
function probeJob(facts: StackFacts, module: string): object {
  return {
    job_name: `bellwether-probe-${module}`,
    metrics_path: "/probe",
    params: { module: [module] },
    scrape_interval: "60s",
    scrape_timeout: "30s",
    ...token(facts),
    static_configs: targets(...facts.upstreams.map(({ name }) => name)),
    relabel_configs: [
      { source_labels: ["__address__"], target_label: "__param_upstream" },
      { source_labels: ["__param_upstream"], target_label: "instance" },
      { target_label: "__address__", replacement: facts.addresses.exporter },
    ],
  };
}

/** From outside of Bellwether: does the upstream's door open at all? 401 means that it does. */
function blackboxJob({ upstreams, addresses }: StackFacts): object {
  return {
    job_name: "blackbox",
    metrics_path: "/probe",
    params: { module: ["models"] },
    scrape_interval: "60s",
    static_configs: targets(...upstreams.map(({ modelsUrl }) => modelsUrl)),
    relabel_configs: [
      { source_labels: ["__address__"], target_label: "__param_target" },
      { source_labels: ["__param_target"], target_label: "instance" },
      { target_label: "__address__", replacement: addresses.blackbox },
    ],
  };
}

function blackboxFile(): StackFile {
  return yamlFile("prometheus/blackbox.yml", {
    modules: {
      models: {
        prober: "http",
        timeout: "10s",
        http: {
          method: "GET",
          valid_status_codes: [200, 401, 403],
          preferred_ip_protocol: "ip4",
          follow_redirects: false,
        },
      },
    },
  });
}
