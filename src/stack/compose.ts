/** Docker Compose: Bellwether and its surroundings, with pinned images, health checks and no secret in the file. */
import { secretFiles } from "./alertmanager.ts";
import type { StackFacts } from "./facts.ts";
import { type StackFile, textFile, yamlFile } from "./stack-file.ts";

/** Released versions, each the newest that was tried; change them in one place. */
export const IMAGES = {
  prometheus: "prom/prometheus:v3.5.0",
  alertmanager: "prom/alertmanager:v0.28.1",
  grafana: "grafana/grafana:12.1.0",
  blackbox: "prom/blackbox-exporter:v0.27.0",
  node: "prom/node-exporter:v1.9.1",
} as const;

/** Made by the Dockerfile of this repository. */
export function imageOf(version: string): string {
  return `bellwether:${version}`;
}

/** What the programs see in their containers. */
export const COMPOSE_PATHS = {
  files: "/etc/bellwether-stack",
  secrets: "/run/secrets",
  dashboards: "/var/lib/grafana/dashboards",
};

export function composeFiles(facts: StackFacts, environment: readonly string[]): StackFile[] {
  const secrets = secretFiles(facts);
  const secretNames = secrets.map(({ name }) => name);
  const adminToken = secretNames.filter((name) => name === "bellwether-admin-token");
  const services = {
    bellwether: bellwether("serve", 8000, environment, facts),
    exporter: bellwether("exporter", 9111, environment, facts),
    prometheus: {
      image: IMAGES.prometheus,
      command: [
        `--config.file=${COMPOSE_PATHS.files}/prometheus/prometheus.yml`,
        "--storage.tsdb.path=/prometheus",
        "--storage.tsdb.retention.time=30d",
        "--web.enable-lifecycle",
      ],
      ports: ["127.0.0.1:9090:9090"],
      volumes: [`./prometheus:${COMPOSE_PATHS.files}/prometheus:ro`, "prometheus:/prometheus"],
      ...using(adminToken),
      healthcheck: wget("http://localhost:9090/-/healthy"),
      depends_on: ["bellwether", "alertmanager"],
      restart: "unless-stopped",
    },
    alertmanager: {
      image: IMAGES.alertmanager,
      command: [
        `--config.file=${COMPOSE_PATHS.files}/alertmanager/alertmanager.yml`,
        "--storage.path=/alertmanager",
      ],
      ports: ["127.0.0.1:9093:9093"],
      volumes: [`./alertmanager:${COMPOSE_PATHS.files}/alertmanager:ro`, "alertmanager:/alertmanager"],
      ...using(secretNames),
      healthcheck: wget("http://localhost:9093/-/healthy"),
      restart: "unless-stopped",
    },
    grafana: {
      image: IMAGES.grafana,
      environment: {
        GF_SECURITY_ADMIN_PASSWORD__FILE: `${COMPOSE_PATHS.secrets}/grafana-admin-password`,
        GF_USERS_ALLOW_SIGN_UP: "false",
        GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: `${COMPOSE_PATHS.dashboards}/en/overview.json`,
      },
      ports: ["127.0.0.1:3000:3000"],
      volumes: [
        "./grafana/provisioning:/etc/grafana/provisioning:ro",
        `./grafana/dashboards:${COMPOSE_PATHS.dashboards}:ro`,
        "grafana:/var/lib/grafana",
      ],
      ...using(["grafana-admin-password", ...adminToken]),
      healthcheck: wget("http://localhost:3000/api/health"),
      depends_on: ["prometheus"],
      restart: "unless-stopped",
    },
    blackbox: {
      image: IMAGES.blackbox,
      command: [`--config.file=${COMPOSE_PATHS.files}/prometheus/blackbox.yml`],
      volumes: [`./prometheus:${COMPOSE_PATHS.files}/prometheus:ro`],
      healthcheck: wget("http://localhost:9115/-/healthy"),
      restart: "unless-stopped",
    },
    node: {
      image: IMAGES.node,
      command: ["--path.rootfs=/host"],
      pid: "host",
      volumes: ["/:/host:ro,rslave"],
      healthcheck: wget("http://localhost:9100/"),
      restart: "unless-stopped",
    },
  };
  const all = [{ name: "grafana-admin-password", holds: "a password for Grafana's user admin" }, ...secrets];
  return [
    yamlFile(
      "compose.yaml",
      {
        name: "bellwether",
        services,
        volumes: { bellwether: {}, prometheus: {}, alertmanager: {}, grafana: {} },
        secrets: Object.fromEntries(all.map(({ name }) => [name, { file: `./secrets/${name}` }])),
      },
      [
        "Before the first start, in this folder:",
        "  cp /path/to/your/bellwether.yaml .     its server.host must be 0.0.0.0, with auth: keys or passthrough",
        "  cp .env.example .env                   and fill in the keys",
        ...all.map(({ name, holds }) => `  secrets/${name}: ${holds}`),
        `And the image: docker build -t ${imageOf(facts.version)} . in Bellwether's own folder, which has the Dockerfile.`,
        "Then: docker compose up -d",
        "",
        "A version can be pushed anew; a digest cannot. To pin what you have tried, after docker compose pull:",
        "  docker compose config --resolve-image-digests",
      ],
    ),
    textFile(".env.example", `${environment.map((name) => `${name}=`).join("\n")}\n`, [
      "Copy to .env and fill in. The configuration reads these from the environment.",
    ]),
  ];
}

function bellwether(
  command: string,
  port: number,
  environment: readonly string[],
  { version }: StackFacts,
): object {
  const own = command === "serve";
  return {
    image: imageOf(version),
    command: [command, "--config", "/etc/bellwether/bellwether.yaml", ...(own ? [] : ["--host", "0.0.0.0"])],
    ...(environment.length === 0
      ? {}
      : { environment: Object.fromEntries(environment.map((name) => [name, `\${${name}:-}`])) }),
    ports: own ? [`127.0.0.1:${port}:${port}`] : [],
    volumes: [
      "./bellwether.yaml:/etc/bellwether/bellwether.yaml:ro",
      ...(own ? ["bellwether:/etc/bellwether/data"] : []),
    ],
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    tmpfs: ["/tmp"],
    stop_grace_period: "40s",
    healthcheck: {
      test: [
        "CMD",
        "node",
        "-e",
        `fetch('http://127.0.0.1:${port}/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))`,
      ],
      interval: "10s",
      timeout: "5s",
      retries: 3,
      start_period: "5s",
    },
    restart: "unless-stopped",
  };
}

function using(names: readonly string[]): object {
  return names.length === 0 ? {} : { secrets: [...names] };
}

function wget(url: string): object {
  return { test: ["CMD", "wget", "-q", "-O", "/dev/null", url], interval: "15s", timeout: "5s", retries: 3 };
}
