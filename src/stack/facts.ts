/** What the stack's files are made of: the configuration in force, and where everything is. */
import type { AlertRule } from "../alerts/declaration.ts";
import type { ChannelConfig, Config, NotifyRoute } from "../config/schema.ts";

export interface StackFacts {
  /** `host:port` of each program, as the others reach it. */
  readonly addresses: Readonly<Record<Program, string>>;
  /** Of Bellwether. */
  readonly version: string;
  /** Metric profiles besides Bellwether's own. */
  readonly profiles: readonly string[];
  readonly upstreams: readonly { readonly name: string; readonly modelsUrl: string }[];
  /** Modules that `/probe` is asked for. */
  readonly probeModules: readonly string[];
  readonly rules: readonly AlertRule[];
  readonly channels: Readonly<Record<string, ChannelConfig>>;
  readonly routes: readonly NotifyRoute[];
  /** Who tells the channels; the others only show alerts. */
  readonly sender: Config["alerts"]["sender"];
  /** Where people reach Bellwether's page. */
  readonly externalUrl: string;
  /** Folder of files with secrets, as the programs see it. */
  readonly secrets: string;
  /** Folder of the generated Prometheus and Alertmanager files, as those programs see it. */
  readonly files: string;
  /** Seconds between scrapes, and between evaluations of the rules. */
  readonly intervalS: number;
  /** Alertmanager tells Slack, PagerDuty and mail servers itself; else Bellwether tells them for it. */
  readonly native: boolean;
  /** Bellwether's admin API asks for a token. */
  readonly adminToken: boolean;
}

export const programs = ["bellwether", "exporter", "prometheus", "alertmanager", "blackbox", "node"] as const;
export type Program = (typeof programs)[number];

export function runbooksOf({ externalUrl }: Pick<StackFacts, "externalUrl">): string {
  return `${externalUrl}/runbooks/`;
}
