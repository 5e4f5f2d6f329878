/**
 * Modern ClickHouse for tests: npm's chdb, the engine itself, behind a small HTTP server (chdb-server.mjs). It is 550 MB,
 * so that nobody gets it unasked: tests install it in CI, elsewhere with BELLWETHER_TEST_CHDB=1.
 */
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type ClickhouseServer, PASSWORD, pinged, USER } from "./clickhouse-server.ts";
import { freePort } from "./redis.ts";

const VERSION = "3.4.0";
const HOME = fileURLToPath(new URL(`../../node_modules/.cache/chdb-${VERSION}`, import.meta.url));
const SERVER = fileURLToPath(new URL("chdb-server.mjs", import.meta.url));
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
  const flags = [SERVER, HOME, join(folder, "data"), String(port), USER, PASSWORD];
  return pinged("chdb", port, folder, () =>
    spawn(process.execPath, flags, { stdio: ["ignore", "ignore", "inherit"] }),
  );
}
