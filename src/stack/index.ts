/** All files of a target. */
import { alertmanagerFile } from "./alertmanager.ts";
import { COMPOSE_PATHS, composeFiles } from "./compose.ts";
import type { StackFacts } from "./facts.ts";
import { grafanaFiles } from "./grafana.ts";
import { kubernetesFiles } from "./kubernetes.ts";
import { prometheusFiles } from "./prometheus.ts";
import type { StackFile } from "./stack-file.ts";

export const targets = ["files", "compose", "kubernetes"] as const;
export type Target = (typeof targets)[number];

export interface StackInput {
  readonly facts: Omit<StackFacts, "addresses" | "files" | "secrets">;
  readonly addresses: StackFacts["addresses"];
  /** Absolute path of the output folder. */
  readonly folder: string;
  /** Text of bellwether.yaml. */
  readonly configuration: string;
  /** Names of the environment variables it refers to. */
  readonly environment: readonly string[];
}

/** Where the programs reach each other by name. */
const BY_NAME: StackFacts["addresses"] = {
  bellwether: "bellwether:8000",
  exporter: "exporter:9111",
  prometheus: "prometheus:9090",
  alertmanager: "alertmanager:9093",
  blackbox: "blackbox:9115",
  node: "node:9100",
};

export function stackFiles(target: Target, input: StackInput): StackFile[] {
  switch (target) {
    case "files": {
      const { folder } = input;
      const facts = {
        ...input.facts,
        addresses: input.addresses,
        files: folder,
        secrets: `${folder}/secrets`,
      };
      return [
        ...prometheusFiles(facts),
        alertmanagerFile(facts),
        ...grafanaFiles(facts, { dashboards: `${folder}/grafana/dashboards` }),
      ];
    }
    case "compose": {
      const { files, secrets, dashboards } = COMPOSE_PATHS;
      const facts = { ...input.facts, addresses: BY_NAME, files, secrets };
      return [
        ...prometheusFiles(facts),
        alertmanagerFile(facts),
        ...grafanaFiles(facts, { dashboards }),
        ...composeFiles(facts, input.environment),
      ];
    }
    case "kubernetes": {
      const facts = { ...input.facts, addresses: BY_NAME, files: "/etc/prometheus", secrets: "/etc/secrets" };
      return kubernetesFiles(facts, input.configuration, input.environment);
    }
  }
}
