/** An exporter in front of a sandbox relay, both real and in this process. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningExporter, runExporter } from "../../src/exporter.ts";
import { SANDBOX_KEY, type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/server.ts";

export interface TestExporter {
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly running: RunningExporter;
  page(profile?: string): Promise<string>;
  /** Runs a probe of `relay` now, as Prometheus asks for it. */
  probe(module: string, headers?: Record<string, string>): Promise<{ status: number; body: string }>;
  close(): Promise<void>;
}

export interface TestExporterConfig {
  /** Added to the upstream called `relay`, which is the sandbox. */
  readonly upstream?: object;
  readonly upstreams?: object;
  readonly [key: string]: unknown;
}

/** Without `probes` in `config`, nothing runs on its own for the length of a test but the first run of each. */
export async function startExporter(
  config: TestExporterConfig = {},
  options: SandboxOptions = {},
): Promise<TestExporter> {
  const sandbox = await startSandbox(options);
  const folder = await mkdtemp(join(tmpdir(), "bellwether-exporter-"));
  const file = join(folder, "bellwether.yaml");
  const { upstream, upstreams, ...rest } = config;
  const relay = { baseUrl: `${sandbox.url}/v1`, apiKey: SANDBOX_KEY, ...upstream };
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ upstreams: { relay, ...upstreams }, ...rest }));
  const running = await runExporter({
    configFile: file,
    host: "127.0.0.1",
    port: 0,
    logLevel: "silent",
    cwd: folder,
    env: {},
  });
  return {
    url: running.url,
    sandbox,
    running,
    async page(profile) {
      const query = profile === undefined ? "" : `?profile=${profile}`;
      return (await fetch(`${running.url}/metrics${query}`)).text();
    },
    async probe(module, headers = {}) {
      const answer = await fetch(`${running.url}/probe?upstream=relay&module=${module}`, { headers });
      return { status: answer.status, body: await answer.text() };
    },
    async close() {
      await running.close();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What differs from run to run, in words: durations, times, and how many runs there have been and their cost. */
export function steady(page: string): string {
  // Which limit a silent upstream meets first is a matter of milliseconds on a busy machine.
  return page
    .replaceAll(/outcome="timeout_(first_byte|idle)"/g, 'outcome="timeout_…"')
    .split("\n")
    .map((line) => {
      if (line.startsWith("#")) return line;
      if (/probes_total\{|probe_cost_usd_total\{|probe_spent_today_usd /.test(line)) {
        return line.replace(/ [^ 0]\S*$| 0\S+$/, " <some>");
      }
      if (/timestamp_seconds/.test(line)) return line.replace(/ \S+$/, " <time>");
      return /_seconds(\{| )/.test(line) ? line.replace(/ \S+$/, " <duration>") : line;
    })
    .join("\n");
}
