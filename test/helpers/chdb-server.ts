/** Modern ClickHouse for tests: npm's chdb, the engine itself, behind a small HTTP server (chdb-server.mjs). */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClickhouseServer, PASSWORD, pinged, USER } from "./clickhouse-server.ts";
import { freePort } from "./redis.ts";
import { SuitePackages } from "./suite-packages.ts";

const SERVER = fileURLToPath(new URL("chdb-server.mjs", import.meta.url));

export const chdb = new SuitePackages({
  name: "chdb",
  packages: ["chdb@3.4.0"],
  megabytes: 550,
  variable: "BELLWETHER_TEST_CHDB",
});

export async function chdbServer(): Promise<ClickhouseServer> {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-chdb-"));
  const port = await freePort();
  const flags = [SERVER, chdb.home, join(folder, "data"), String(port), USER, PASSWORD];
  return pinged("chdb", port, folder, () =>
    spawn(process.execPath, flags, { stdio: ["ignore", "ignore", "inherit"] }),
  );
}
