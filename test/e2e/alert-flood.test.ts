/** A thousand alerts at once, from another program's webhook, to channels that enforce their vendors' rates. */
import { afterEach, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { Vendors, vendorChannel } from "../helpers/vendors.ts";

const TYPES = ["wecom", "feishu", "slack", "telegram"];
const ALERTS = 1_000;

let gateway: TestGateway;
const vendors = new Vendors();
afterEach(async () => {
  await gateway.close();
  await vendors.close();
});

function about(n: number): object {
  return {
    version: "4",
    groupKey: `{}:{instance="host-${n}"}`,
    groupLabels: { instance: `host-${n}` },
    alerts: [
      {
        status: "firing",
        labels: { alertname: "DiskFull", severity: "warning", instance: `host-${n}` },
        annotations: { summary: `the disk of host-${n} is full` },
        startsAt: "2026-05-01T03:00:07Z",
        endsAt: "0001-01-01T00:00:00Z",
      },
    ],
  };
}

async function tell(n: number): Promise<void> {
  for (const type of TYPES) {
    const response = await fetch(`${gateway.url}/alerts/${type}`, {
      method: "POST",
      body: JSON.stringify(about(n)),
    });
    expect(response.status).toBe(202);
    await response.arrayBuffer();
  }
}

it("makes few messages, none refused, and a channel that is down neither loses nor delays any", async () => {
  const base = await vendors.listen();
  gateway = await startGateway({
    channels: Object.fromEntries(TYPES.map((type) => [type, vendorChannel(type, base)])),
  });
  vendors.down.set("feishu", { status: 503, body: "" });
  const began = performance.now();
  for (let n = 0; n < ALERTS; n += 10) await Promise.all(Array.from({ length: 10 }, (_, i) => tell(n + i)));
  // Slack is told once a second at most, and a machine may take its time.
  const most = 60 + (performance.now() - began) / 1_000;
  const up = TYPES.filter((type) => type !== "feishu");
  const count = async (channel: string, outcome: string): Promise<number> =>
    total(await gateway.samples(), "bellwether_notifications_total", { channel, outcome });
  for (const type of up) {
    expect(vendors.of(type).length, type).toBeGreaterThan(0);
    expect(vendors.of(type).length, type).toBeLessThanOrEqual(most);
    for (const outcome of ["retried", "failed", "dropped"]) expect(await count(type, outcome), type).toBe(0);
  }
  expect(vendors.refused.filter(({ vendor }) => vendor !== "feishu")).toEqual([]);
  expect(vendors.of("feishu")).toEqual([]);

  vendors.down.delete("feishu");
  // The pauses between retries grow to a minute while it is down.
  await expect.poll(() => vendors.of("feishu").length, { timeout: 150_000 }).toBeGreaterThan(0);
  // All that had waited is told as one.
  expect(JSON.stringify(vendors.of("feishu")[0]?.body)).toContain("1000");
  expect([await count("feishu", "failed"), await count("feishu", "dropped")]).toEqual([0, 0]);
});
