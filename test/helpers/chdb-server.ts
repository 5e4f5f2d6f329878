/**
 * Modern ClickHouse for tests: npm's chdb, the engine itself, behind a small HTTP server (chdb-server.mjs). It is 550 MB,
 * so that nobody gets it unasked: tests install it in CI, elsewhere with BELLWETHER_TEST_CHDB=1.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ClickhouseServer } from "./clickhouse-server.ts";
import { freePort } from "./redis.ts";

const VERSION = "3.4.0";
const HOME = fileURLToPath(new URL(`../../node_modules/.cache/chdb-${VERSION}`, import.meta.url));
const SERVER = fileURLToPath(new URL("chdb-server.mjs", import.meta.url));
const USER = "bell";
const PASSWORD = "wether";
const INSTALL_MS = 300_000;

/** Whether it is there, or is to be: say so where it is not. */
export function chdbWanted(): boolean {
  if (existsSync(HOME) || process.env.CI || process.env.BELLWETHER_TEST_CHDB) return true;
  process.stderr.write(
    "chdb is missing: BELLWETHER_TEST_CHDB=1 installs it (550 MB). The tests that need it are skipped.\n",
  );
  return false;
}

/** @throws when it cannot be installed */
export async function installChdb(): Promise<void> {
  if (existsSync(HOME)) return;
  const unfinished = `${HOME}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, "package.json"), '{"private":true}');
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  await promisify(execFile)("npm", ["install", ...flags, `chdb@${VERSION}`], {
    cwd: unfinished,
    timeout: INSTALL_MS,
  });
  renameSync(unfinished, HOME);
}

export async function chdbServer(): Promise<ClickhouseServer> {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-chdb-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const stop = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const closed = once(running, "close");
    running.kill("SIGKILL");
    await closed;
  };
  return {
    url,
    user: USER,
    password: PASSWORD,
    async start() {
      const flags = [SERVER, HOME, join(folder, "data"), String(port), USER, PASSWORD];
      const started = spawn(process.execPath, flags, { stdio: ["ignore", "ignore", "inherit"] });
      child = started;
      for (;;) {
        if (started.exitCode !== null) throw new Error(`chdb ended with ${started.exitCode}`);
        const answers = await fetch(`${url}/ping`).then(
          ({ ok }) => ok,
          () => false,
        );
        if (answers) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    stop,
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
