/** The key is revoked at three in the morning: metrics show it, and the doctor names it. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import { startExporter } from "../helpers/exporter.ts";
import { startGateway } from "../helpers/gateway.ts";
import { rowsOf } from "../helpers/page.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function stateOf(page: string): string | undefined {
  return rowsOf(page, "bellwether_upstream_key_state").find(({ value }) => value === "1")?.labels.state;
}

/** How often the probe has run, by how it ended. */
function runs(page: string): Record<string, number> {
  const rows = rowsOf(page, "bellwether_probes_total").map(
    ({ labels, value }) => [labels.outcome ?? "", Number(value)] as const,
  );
  return Object.fromEntries(rows);
}

test("while the exporter runs: the first run after it shows it, and the doctor says what to do", async () => {
  const exporter = await startExporter({ probes: { modules: ["models"], interval: "1s", jitter: "0ms" } });
  closing.push(() => exporter.close());
  await until(async () => stateOf(await exporter.page()), "valid");
  exporter.sandbox.set({ status: 401 });
  await until(async () => stateOf(await exporter.page()), "invalid");
  const page = await exporter.page();
  // Not one run took it for well after the fault: each that saw it failed.
  expect(runs(page).auth).toBeGreaterThanOrEqual(1);
  expect(page).toContain('bellwether_probe_success{upstream="relay",probe="models",model=""} 0');

  const { stdout, code } = await doctor(`${exporter.sandbox.url}/v1`);
  const { ok, findings } = JSON.parse(stdout) as {
    ok: boolean;
    findings: { ailment: string; upstream: string }[];
  };
  expect(code).toBe(1);
  expect(ok).toBe(false);
  expect(findings).toContainEqual(expect.objectContaining({ ailment: "key_refused", upstream: "relay" }));
  expect(stdout).not.toContain(SANDBOX_KEY);

  exporter.sandbox.set({ status: 200 });
  await until(async () => stateOf(await exporter.page()), "valid");
});

test("while the gateway serves: the first refused call shows it, long before the next probe", async () => {
  const gateway = await startGateway({ probes: { modules: ["models"], interval: "24h" } });
  closing.push(() => gateway.close());
  await until(async () => stateOf(await gateway.page()), "valid");
  gateway.sandbox.set({ status: 401, errorCode: "token_expired" });
  const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }] });
  const headers = { "content-type": "application/json" };
  await (await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body, headers })).text();
  // Traffic tells that it is refused, and the probe that is made at once why.
  await until(async () => stateOf(await gateway.page()), "expired");
});

test("of several keys a bad one is known before it is needed, by its place and not by itself", async () => {
  const bad = "sk-second-0123456789abcdef";
  const apiKeys = [SANDBOX_KEY, bad];
  const gateway = await startGateway({
    upstream: { apiKey: undefined, apiKeys },
    probes: { modules: ["models"], interval: "24h" },
  });
  closing.push(() => gateway.close());
  const states = async (): Promise<Record<string, string | undefined>> => {
    const rows = rowsOf(await gateway.page(), "bellwether_upstream_key_state");
    return Object.fromEntries(
      rows.filter(({ value }) => value === "1").map(({ labels }) => [labels.key, labels.state]),
    );
  };
  await until(states, { 1: "valid", 2: "invalid" });
  const response = await fetch(`${gateway.url}/api/upstreams`);
  const { upstreams } = (await response.json()) as { upstreams: { keys: { state: string }[] }[] };
  expect(upstreams[0]).toMatchObject({
    ...{ health: "degraded", why: "key 2 of 2 is invalid", key: { state: "invalid" } },
    keys: [{ state: "valid" }, { state: "invalid" }],
  });
  const probed = rowsOf(await gateway.page(), "bellwether_probe_success").map(({ value }) => value);
  expect(probed).toEqual(["1"]);
  expect(await gateway.page()).not.toContain(bad);

  const { stdout, code } = await doctor(`${gateway.sandbox.url}/v1`, { apiKeys });
  expect(code).toBe(1);
  expect(stdout).toContain("key 2 of 2: ");
  expect(stdout).not.toContain(bad);
});

async function doctor(
  baseUrl: string,
  keys: object = { apiKey: SANDBOX_KEY },
): Promise<{ stdout: string; code: number | null }> {
  const folder = await mkdtemp(join(tmpdir(), "bellwether-doctor-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "bellwether.yaml");
  await writeFile(file, JSON.stringify({ server: { port: 0 }, upstreams: { relay: { baseUrl, ...keys } } }));
  const child = spawn(process.execPath, [PROGRAM, "doctor", "--json", "--config", file], { cwd: folder });
  let stdout = "";
  child.stdout.on("data", (text) => {
    stdout += String(text);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { stdout, code };
}

test("a probe that hangs does not hold up the end of the gateway", async () => {
  const probes = { modules: ["chat"], interval: "24h", timeout: "10m", models: { chat: "gpt-4.1-mini" } };
  const gateway = await startGateway({ probes }, { knobs: { hang: "head" } });
  await until(() => gateway.sandbox.books.inFlight, 1);
  // Longer than a test may take, were it waited for.
  await gateway.running.close();
  await gateway.sandbox.close();
});
