/**
 * Prometheus and Alertmanager beside a gateway that runs, on free ports and with the generated files: for drills and
 * tests, which do not want to wait for the usual intervals.
 */
import { join } from "node:path";
import { alertRules } from "../alerts/resolve.ts";
import { notifyDefaults } from "../config/defaults.ts";
import type { Config, NotifyRoute } from "../config/schema.ts";
import { freePorts } from "./free-ports.ts";
import { stackFiles } from "./index.ts";
import { localPrograms, startPrograms } from "./processes.ts";
import { writeFiles } from "./write.ts";

export interface BesideOptions {
  /** Of the gateway. */
  readonly url: string;
  readonly version: string;
  readonly config: Pick<Config, "alerts" | "slo" | "channels" | "notify">;
  /** Where files and data are kept; the caller removes it. */
  readonly folder: string;
  readonly intervalS: number;
  /** Where the programs are looked for; `PATH`. */
  readonly searchPath: string;
  /** Every line that they write. */
  readonly log?: (name: string, line: string) => void;
}

export interface Beside {
  /** `http://127.0.0.1:port`. */
  readonly prometheus: string;
  readonly alertmanager: string;
  stop(): Promise<void>;
}

/** @throws Error with what to install, when one of them is missing */
export async function startBeside(options: BesideOptions): Promise<Beside> {
  const { url, version, config, folder, intervalS, searchPath, log = () => undefined } = options;
  const [prometheus = 0, alertmanager = 0] = await freePorts(2);
  const bellwether = new URL(url).host;
  const nowhere = local(1);
  const files = stackFiles("files", {
    folder,
    configuration: "",
    environment: [],
    addresses: {
      bellwether,
      exporter: bellwether,
      prometheus: local(prometheus),
      alertmanager: local(alertmanager),
      blackbox: nowhere,
      node: nowhere,
    },
    facts: {
      version,
      profiles: [],
      upstreams: [],
      probeModules: [],
      rules: alertRules(config),
      channels: config.channels,
      routes: routesOf(config),
      sender: config.alerts.sender,
      externalUrl: url,
      intervalS,
      native: false,
      adminToken: false,
    },
  });
  await writeFiles(folder, files, { force: true });
  const ports = { prometheus, alertmanager, blackbox: 0, node: 0 };
  const wanted = localPrograms(folder, join(folder, "data"), ports).filter(
    ({ name }) => name === "prometheus" || name === "alertmanager",
  );
  const stack = await startPrograms(wanted, searchPath, log);
  if (stack.missing.length > 0) {
    await stack.stop();
    const names = stack.missing.map(({ name }) => name).join(" and ");
    const packages = stack.missing.map(({ debian }) => debian).join(" ");
    throw new Error(`${names} must be installed: on Debian, apt-get install ${packages}.`);
  }
  return {
    prometheus: `http://${local(prometheus)}`,
    alertmanager: `http://${local(alertmanager)}`,
    stop: () => stack.stop(),
  };
}

/** The configured routes, or one that leads to every channel. */
export function routesOf({ channels, notify }: Pick<Config, "channels" | "notify">): readonly NotifyRoute[] {
  const names = Object.keys(channels);
  return notify.length > 0 || names.length === 0 ? notify : [{ ...notifyDefaults, to: names }];
}

function local(port: number): string {
  return `127.0.0.1:${port}`;
}
