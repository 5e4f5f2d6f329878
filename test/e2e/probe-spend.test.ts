/** The daily cap on what probes cost holds over restarts: of the gateway, with and without a ledger, and of the exporter. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runExporter } from "../../src/exporter.ts";
import { SANDBOX_KEY, startSandbox } from "../../src/sandbox/server.ts";
import { rowsOf } from "../helpers/page.ts";
import { type Product, startProduct } from "../helpers/product.ts";
import { until } from "../helpers/until.ts";

// An image costs two cents, and four may be spent: that is two a day.
const models = { images: "dall-e-3" };
const probes = { modules: ["dns", "images"], interval: "1h", models, spendPerDay: { usd: 0.04 } };
const upstream = { prices: { "dall-e-3": { perImage: 0.02 } } };

const ONE_A_START = ["success,1 0.02", "success,1 0.04", "spend_cap,1 0.04"];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwether-probe-spend-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The outcome of the one image that a gateway makes by itself when it starts, and what probes have then cost today. */
async function firstRun(url: string): Promise<string> {
  const page = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  const outcomes = async (): Promise<unknown[]> =>
    rowsOf(await page(), "bellwether_probes_total")
      .filter(({ labels }) => labels.probe === "images")
      .map(({ labels, value }) => [labels.outcome, value]);
  await until(async () => (await outcomes()).length, 1);
  return `${(await outcomes()).join()} ${spent(await page())}`;
}

const spent = (metrics: string): string =>
  /^bellwether_probe_spent_today_usd (\S+)$/m.exec(metrics)?.[1] ?? "?";

/** The outcome of an image made now, and what probes have then cost today. */
async function probe(url: string): Promise<string> {
  const page = await (await fetch(`${url}/probe?upstream=relay&module=images`)).text();
  const refused = page.includes("raise `probes.spendPerDay.usd`");
  const outcome = /^probe_success 1$/m.test(page) ? "success" : refused ? "refused" : page;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return `${outcome} ${spent(metrics)}`;
}

test("a gateway that is killed again and again, without a ledger", async () => {
  const seen: string[] = [];
  for (let starts = 0; starts < 3; starts++) {
    const product = await startProduct({ folder, upstream, config: { probes, ledger: { enabled: false } } });
    try {
      seen.push(await firstRun(product.url));
    } finally {
      await product.close();
    }
  }
  expect(seen).toEqual(ONE_A_START);
});

test("a gateway whose folder of state is lost, but not its ledger", async () => {
  const start = (): Promise<Product> => startProduct({ folder, upstream, config: { probes } });
  const seen: string[] = [];
  for (let starts = 0; starts < 3; starts++) {
    const product = await start();
    try {
      seen.push(await firstRun(product.url));
      product.process.kill("SIGTERM");
      await product.ended;
    } finally {
      await product.close();
    }
    await rm(join(folder, "data", "probe-spend-gateway.json"), { force: true });
  }
  expect(seen).toEqual(ONE_A_START);
});

test("an exporter", async () => {
  const sandbox = await startSandbox({});
  const relay = { baseUrl: `${sandbox.url}/v1`, apiKey: SANDBOX_KEY, ...upstream };
  const file = join(folder, "bellwether.yaml");
  await writeFile(file, JSON.stringify({ upstreams: { relay }, probes }));
  const seen: string[] = [];
  try {
    for (let starts = 0; starts < 3; starts++) {
      const where = { configFile: file, cwd: folder, host: "127.0.0.1", port: 0 };
      const exporter = await runExporter({ ...where, logLevel: "silent", env: {} });
      seen.push(await probe(exporter.url).finally(() => exporter.close()));
    }
  } finally {
    await sandbox.close();
  }
  expect(seen).toEqual(["success 0.02", "success 0.04", "refused 0.04"]);
});
