/** A gateway in front of a sandbox relay, both real and in this process, for end-to-end tests. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Running, serve } from "../../src/main.ts";
import { SANDBOX_KEY, type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/server.ts";
import { until } from "./until.ts";

export interface TestGateway {
  /** `http://127.0.0.1:port` of the gateway. */
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly running: Running;
  /** Writes another configuration and reloads it. */
  configure(config: TestConfig): Promise<void>;
  /** Writes this text as the configuration's file and leaves it to the gateway to notice. */
  write(text: string): Promise<void>;
  /** A metrics page as it is written. */
  page(profile?: string): Promise<string>;
  /** The samples of a metrics page, by name and labels as they are written. */
  samples(profile?: string): Promise<Map<string, number>>;
  /** Resolves when every call that has begun is settled, here and in the sandbox. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

export interface TestConfig {
  /** Added to the upstream called `relay`, which is the sandbox. */
  readonly upstream?: object;
  /** Further upstreams, after `relay`. */
  readonly upstreams?: Readonly<Record<string, object>>;
  /** Further top-level keys, as in bellwether.yaml; `server` is merged over port 0; the ledger is off by default. */
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
  const page = async (profile?: string): Promise<string> => {
    const query = profile === undefined ? "" : `?profile=${profile}`;
    return (await fetch(`${running.url}/metrics${query}`)).text();
  };
  const samples = async (profile?: string) => parseSamples(await page(profile));
  return {
    url: running.url,
    sandbox,
    running,
    async configure(next) {
      await write(next);
      const result = await running.reload("test");
      if (!result.success) throw new Error(result.problems.map(({ message }) => message).join("; "));
    },
    write: (text) => writeFile(file, text),
    page,
    samples,
    quiet: () =>
      until(async () => total(await samples(), "bellwether_requests_in_flight") + sandbox.books.inFlight, 0),
    async close() {
      await sandbox.close();
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML. */
function yamlOf({ upstream, upstreams, server, ...rest }: TestConfig, sandbox: Sandbox): string {
  const relay = { baseUrl: `${sandbox.url}/v1`, apiKey: SANDBOX_KEY, ...upstream };
  return JSON.stringify({
    server: { port: 0, ...(server as object) },
    ledger: { enabled: false },
    upstreams: { relay, ...upstreams },
    ...rest,
  });
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
