/** The real Prometheus scrapes the gateway, the exporter and /probe, and answers queries about what it saw. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lookAtPrometheus } from "../../src/probes/doctor/surroundings.ts";
import { startExporter, type TestExporter } from "../helpers/exporter.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

describeWithProgram("prometheus", "Prometheus", (program) => {
  let gateway: TestGateway;
  let exporter: TestExporter;
  let folder: string;
  let url: string;
  let prometheus: ChildProcess;
  let log = "";

  beforeAll(async () => {
    gateway = await startGateway({}, { knobs: { balance: 40 } });
    const probes = {
      modules: ["models", "chat", "balance"],
      interval: "1h",
      models: { chat: "gpt-4.1-mini" },
    };
    const upstream = { balance: { poller: "one-api" } };
    exporter = await startExporter({ upstream, probes }, { knobs: { balance: 40 } });
    for (let calls = 0; calls < 3; calls++) {
      const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }] });
      const headers = { "content-type": "application/json" };
      await (await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body, headers })).text();
    }
    folder = await mkdtemp(join(tmpdir(), "bellwether-prometheus-"));
    const address = `127.0.0.1:${await freePort()}`;
    url = `http://${address}`;
    const [serve, watch] = [gateway.url, exporter.url].map((each) => new URL(each).host);
    const config = {
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: [
        { job_name: "gateway", static_configs: [{ targets: [serve] }] },
        {
          job_name: "gateway-holysheep",
          params: { profile: ["holysheep"] },
          static_configs: [{ targets: [serve] }],
        },
        { job_name: "exporter", static_configs: [{ targets: [watch] }] },
        {
          job_name: "exporter-holysheep",
          params: { profile: ["holysheep"] },
          static_configs: [{ targets: [watch] }],
        },
        // As for the blackbox exporter: the targets are upstreams, and the exporter is where they are asked about.
        {
          job_name: "probe",
          metrics_path: "/probe",
          params: { module: ["chat"] },
          static_configs: [{ targets: ["relay", "nobody"] }],
          relabel_configs: [
            { source_labels: ["__address__"], target_label: "__param_upstream" },
            { source_labels: ["__param_upstream"], target_label: "instance" },
            { target_label: "__address__", replacement: watch },
          ],
        },
      ],
    };
    // JSON is YAML.
    await writeFile(join(folder, "prometheus.yml"), JSON.stringify(config));
    const flags = [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${address}`,
      "--log.level=warn",
    ];
    prometheus = spawn(program, flags, { stdio: ["ignore", "ignore", "pipe"] });
    prometheus.stderr?.on("data", (text) => {
      log += String(text);
    });
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => prometheus.once("exit", resolve));
    prometheus.kill();
    await ended;
    await Promise.all([gateway.close(), exporter.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** The values of a query's result by these labels, joined. */
  async function query(text: string, ...by: string[]): Promise<Record<string, string>> {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(text)}`).catch(
      () => undefined,
    );
    if (answer === undefined) return {};
    const { data } = (await answer.json()) as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return Object.fromEntries(
      (data?.result ?? []).map(({ metric, value }) => [by.map((label) => metric[label]).join(" "), value[1]]),
    );
  }

  test("scrapes every target, and the one that is no upstream is down", async () => {
    await until(() => query("up", "job", "instance"), {
      [`gateway ${new URL(gateway.url).host}`]: "1",
      [`gateway-holysheep ${new URL(gateway.url).host}`]: "1",
      [`exporter ${new URL(exporter.url).host}`]: "1",
      [`exporter-holysheep ${new URL(exporter.url).host}`]: "1",
      "probe relay": "1",
      "probe nobody": "0",
    });
    expect(log).not.toContain("level=error");
  });

  test("has the gateway's calls under both names", async () => {
    const labels = '{model="gpt-4.1",status="200"}';
    await until(() => query(`sum by (job) (bellwether_requests_total${labels})`, "job"), { gateway: "3" });
    await until(() => query(`sum by (job) (holysheep_requests_total${labels})`, "job"), {
      "gateway-holysheep": "3",
    });
  });

  test("has what the exporter found: probes, key, balance", async () => {
    const success = 'bellwether_probe_success{job="exporter"}';
    await until(() => query(success, "upstream", "probe"), {
      "relay models": "1",
      "relay chat": "1",
      "relay balance": "1",
    });
    const state = 'bellwether_upstream_key_state{job="exporter"} == 1';
    await until(() => query(state, "upstream", "state"), { "relay valid": "1" });
    for (const name of ["holysheep_quota_total", "holysheep_budget_remaining"]) {
      await until(() => query(`round(${name}{job="exporter-holysheep"})`, "job"), {
        "exporter-holysheep": "40",
      });
    }
  });

  test("has the probe that it asked for itself", async () => {
    await until(() => query("probe_success", "job", "instance"), { "probe relay": "1" });
    await until(() => query('count(bellwether_probe_phase_seconds{job="probe",phase="first_token"})'), {
      "": "1",
    });
    await until(async () => Number((await query("probe_duration_seconds", "instance")).relay) > 0, true);
  });

  test("sees an upstream that breaks within a scrape", async () => {
    exporter.sandbox.set({ status: 401 });
    await until(() => query("probe_success", "instance"), { relay: "0" });
    const state = 'bellwether_upstream_key_state{job="exporter"} == 1';
    await until(() => query(state, "state"), { invalid: "1" });
  });

  test("is found by the doctor, with what it scrapes and what is down", async () => {
    const found = {
      ...{ check: "prometheus", ailment: undefined, about: "" },
      detail: "scrapes 2 of Bellwether's targets",
    };
    await until(() => lookAtPrometheus(url), expect.arrayContaining([found]));
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
