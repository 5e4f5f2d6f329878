/** A gateway in front of a sandbox relay, both real and in this process, for end-to-end tests. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Running, serve } from "../../src/main.ts";
import { SANDBOX_KEY, type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/server.ts";

export interface TestGateway {
  /** `http://127.0.0.1:port` of the gateway. */
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly running: Running;
  /** Writes another configuration and reloads it. */
  configure(config: TestConfig): Promise<void>;
  /** The samples of a metrics page, by name and labels as they are written. */
  samples(profile?: string): Promise<Map<string, number>>;
  close(): Promise<void>;
}

export interface TestConfig {
  /** Added to the upstream called `relay`, which is the sandbox. */
  readonly upstream?: object;
  /** Further top-level keys, as in bellwether.yaml; `server` is merged over port 0. */
  readonly [key: string]: unknown;
}

export async function startGateway(
  config: TestConfig = {},
  sandboxOptions: SandboxOptions = {},
): Promise<TestGateway> {
  const sandbox = await startSandbox(sandboxOptions);
  const folder = await mkdtemp(join(tmpdir(), "bellwether-test-"));
  const file = join(folder, "bellwether.yaml");
  const write = (next: TestConfig): Promise<void> => writeFile(file, yamlOf(next, sandbox));
  await write(config);
  const running = await serve({ configFile: file, cwd: folder, env: {}, logLevel: "silent" });
  return {
    url: running.url,
    sandbox,
    running,
    async configure(next) {
      await write(next);
      const result = await running.reload("test");
      if (!result.success) throw new Error(result.problems.map(({ message }) => message).join("; "));
    },
    async samples(profile) {
      const response = await fetch(
        `${running.url}/metrics${profile === undefined ? "" : `?profile=${profile}`}`,
      );
      return parseSamples(await response.text());
    },
    async close() {
      await sandbox.close();
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML. */
function yamlOf({ upstream, server, ...rest }: TestConfig, sandbox: Sandbox): string {
  const relay = { baseUrl: `${sandbox.url}/v1`, apiKey: SANDBOX_KEY, ...upstream };
  return JSON.stringify({ server: { port: 0, ...(server as object) }, upstreams: { relay }, ...rest });
}

function parseSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    samples.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return samples;
}

/** The sum of a metric over all series whose labels include those given. */
export function total(
  samples: ReadonlyMap<string, number>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  let sum = 0;
  for (const [series, value] of samples) {
    if (series !== name && !series.startsWith(`${name}{`)) continue;
    if (wanted.every((each) => series.includes(`{${each}`) || series.includes(`,${each}`))) sum += value;
  }
  return sum;
}
