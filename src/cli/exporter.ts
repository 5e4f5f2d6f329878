/** `bellwether exporter`: watches upstreams without relaying anything. */
import { Command, InvalidArgumentError } from "commander";
import { environment } from "../config/environment.ts";

interface Flags {
  readonly config?: string;
  readonly host: string;
  readonly port?: number;
  readonly logLevel?: string;
}

/** Free among Prometheus' registered exporters' common ports. */
const DEFAULT_PORT = 9111;

export function exporterCommand(): Command {
  return new Command("exporter")
    .description("Watch upstreams: probe them, read balances and keys, and expose the metrics")
    .option("-c, --config <file>", "configuration (default: ./bellwether.yaml, if there is one)")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option(
      "-p, --port <number>",
      `port to listen on; 0 takes any free one (default: PORT, else ${DEFAULT_PORT})`,
      port,
    )
    .option("--log-level <level>", "one of trace, debug, info, warn, error, fatal, silent (default: info)")
    .addHelpText(
      "after",
      `
Without a file it is configured by the environment:
  HOLYSHEEP_API_KEY, HOLYSHEEP_API_URL   the upstream (and the other presets' variables)
  METRICS_INTERVAL                       how often, as 15s (default: 60s)
  COLLECT_MODULES                        models,chat,embeddings,images,balance,tls,dns
                                         (default: models,chat,balance,tls)
  PORT                                   the port

Examples:
  $ HOLYSHEEP_API_KEY=… METRICS_INTERVAL=30s bellwether exporter
  $ bellwether exporter --config /etc/bellwether.yaml --host 0.0.0.0
  $ curl 'localhost:9111/probe?upstream=holysheep&module=chat'

Signals: SIGHUP reads the configuration again; SIGTERM and SIGINT stop.`,
    )
    .action(async (flags: Flags) => {
      const { runExporter } = await import("../exporter.ts");
      const env = environment();
      const { config: configFile, host, logLevel } = flags;
      const onPort = flags.port ?? (env.PORT ? port(env.PORT) : DEFAULT_PORT);
      const running = await runExporter({
        configFile,
        host,
        port: onPort,
        logLevel,
        cwd: process.cwd(),
        env,
      });
      const probed = running.inForce.upstreams.map(({ name }) => {
        const modules = running.tasks
          .filter(({ upstream }) => upstream.name === name)
          .map(({ probe }) => probe.name);
        return `  ${name}: ${modules.join(", ")}`;
      });
      process.stderr.write(`Bellwether's exporter listens on ${running.url}\n${probed.join("\n")}\n`);
      process.on("SIGHUP", () => void running.reload("SIGHUP"));
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        process.once(signal, () => {
          running.close().then(
            () => process.exit(0),
            () => process.exit(1),
          );
        });
      }
    });
}

function port(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError("A port is a whole number from 0 to 65535.");
}
