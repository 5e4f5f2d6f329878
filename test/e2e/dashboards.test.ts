/** Every query of every generated dashboard, asked of the real Prometheus after traffic with each fault. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { dashboards } from "../../src/grafana/dashboards/index.ts";
import { type Beside, startBeside } from "../../src/stack/beside.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";
import { Vendors, vendorChannel } from "../helpers/vendors.ts";

/** Calls with each fault that a metric tells of, by the sandbox's header. */
const FAULTS = ["status=500", "status=429", "status=401", "reset=stream", "usage=none", "latency=600"];

/** What stays empty here, though it may be filled elsewhere. The reason is the panel's own. */
const EMPTY_HERE = ["Certificates last", "Balance lasts"];

describeWithProgram("prometheus", "the dashboards' queries", () => {
  describeWithProgram("prometheus-alertmanager", "with Alertmanager beside it", () => {
    const vendors = new Vendors();
    let gateway: TestGateway;
    let folder: string;
    let beside: Beside;

    beforeAll(async () => {
      const url = await vendors.listen();
      gateway = await startGateway(
        {
          ledger: { enabled: true },
          upstream: {
            balance: { poller: "one-api" },
            timeouts: { firstByte: "400ms" },
            retries: { attempts: 2, backoff: "10ms" },
            budget: { usd: 500, per: "month", onExceeded: "warn" },
            tokenBudget: { tokens: "500M", per: "month", onExceeded: "warn" },
          },
          probes: {
            modules: ["models", "chat", "balance"],
            interval: "5s",
            models: { chat: "gpt-4.1-mini" },
          },
          channels: { hook: vendorChannel("webhook", url) },
        },
        { knobs: { balance: 40 } },
      );
      folder = await mkdtemp(join(tmpdir(), "bellwether-dashboards-"));
      beside = await startBeside({
        url: gateway.url,
        version: "test",
        config: gateway.running.inForce.loaded.config,
        folder,
        intervalS: 1,
        searchPath: process.env.PATH ?? "",
      });
      const end = performance.now() + 8_000;
      while (performance.now() < end) await Promise.all([undefined, ...FAULTS].map(call));
      await gateway.quiet();
    });

    afterAll(async () => {
      await beside?.stop();
      await gateway?.close();
      await vendors.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function call(fault: string | undefined): Promise<void> {
      for (const stream of [true, false]) {
        for (const model of ["gpt-4.1", "deepseek-v3.2", "a-model-without-price"]) {
          const headers = { "content-type": "application/json", ...(fault && { "x-sandbox": fault }) };
          const body = JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hello" }] });
          const request = { method: "POST", headers, body };
          await fetch(`${gateway.url}/v1/chat/completions`, request)
            .then((response) => response.arrayBuffer())
            .catch(() => undefined);
        }
      }
    }

    async function ask(query: string): Promise<number> {
      const filled = query
        .replaceAll("$__rate_interval", "10s")
        .replaceAll("$__range", "1m")
        .replaceAll(/\$(upstream|model|app)/g, ".*");
      const response = await fetch(
        `${beside.prometheus}/api/v1/query?${new URLSearchParams({ query: filled })}`,
      );
      const { status, error, data } = (await response.json()) as {
        status: string;
        error?: string;
        data?: { result: unknown[] };
      };
      expect(status, `${filled}: ${error}`).toBe("success");
      return data?.result.length ?? 0;
    }

    it("answer with data, but for the panels that say why not", async () => {
      const panels = dashboards.flatMap(({ name, rows }) =>
        rows.flatMap((row) => row.panels.map((panel) => ({ name, ...panel }))),
      );
      expect(panels.length).toBeGreaterThan(40);
      const empty = async (): Promise<string[]> => {
        const found = [];
        for (const { name, title, queries, mayBeEmpty } of panels) {
          for (const { expr } of queries) {
            if ((await ask(expr)) > 0) continue;
            if (mayBeEmpty !== undefined && EMPTY_HERE.includes(title[0])) continue;
            found.push(`${name}: ${title[0]}: ${expr}`);
          }
        }
        return found;
      };
      // Probes and scrapes need a few seconds.
      await until(empty, []);
    });
  });
});
