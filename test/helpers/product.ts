/** The built program in a process of its own, as users run it, in front of a sandbox in this process. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));
/** Generous: a busy machine must not fail a test. */
const DEADLINE_MS = 45_000;

export interface Product {
  readonly url: string;
  /** Its working folder, where its data is too. */
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** What it wrote so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  close(): Promise<void>;
}

export interface ProductOptions {
  /** Top-level keys of bellwether.yaml; the upstream `relay` is the sandbox. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly upstream?: object;
  /** Further upstreams, after `relay`. */
  readonly upstreams?: object;
  /** Work here, and leave it as it is in the end; default: a temporary folder. */
  readonly folder?: string;
  /** False leaves standard output unread, so that its pipe fills up. */
  readonly readStdout?: boolean;
  /** As `nice` gives it. */
  readonly niceness?: number;
}

/** Starts it and resolves when it listens. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const sandbox = await startSandbox({ keys: "any" });
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "bellwether-product-")));
  const file = join(folder, "bellwether.yaml");
  const { server, ...config } = (options.config ?? {}) as { server?: object };
  const relay = { baseUrl: `${sandbox.url}/v1`, apiKey: SANDBOX_KEY, ...options.upstream };
  // JSON is YAML.
  const upstreams = { relay, ...options.upstreams };
  await writeFile(file, JSON.stringify({ server: { port: 0, ...server }, upstreams, ...config }));
  const nice = ["-n", String(options.niceness ?? 0)];
  const child = spawn("nice", [...nice, process.execPath, PROGRAM, "serve", "--config", file], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  if (options.readStdout !== false) child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal ?? "?")),
  );
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not listening: ${stderr}`)), DEADLINE_MS);
    child.stderr.on("data", (text: Buffer) => {
      stderr += text.toString();
      const found = /listens on (http:\S+)/.exec(stderr)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    child.on("exit", () => reject(new Error(`ended: ${stderr}`)));
  });
  return {
    url,
    folder,
    sandbox,
    process: child,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    ended,
    async close() {
      child.kill("SIGKILL");
      child.stdout.destroy();
      await ended;
      await sandbox.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
