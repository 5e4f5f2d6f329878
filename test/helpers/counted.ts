/** What a piece of a test adds to the gateway's counters. */
import { type TestGateway, total } from "./gateway.ts";
import { until } from "./until.ts";

export interface Counted {
  /** `bellwether_requests_total` by status, where it grew. */
  readonly requests: Readonly<Record<string, number>>;
  /** `bellwether_errors_total` by type, where it grew. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Does `act` and tells what it added, once every call of the gateway is settled. */
export async function counted(gateway: TestGateway, act: () => Promise<void>): Promise<Counted> {
  const before = await gateway.samples();
  await act();
  await until(async () => total(await gateway.samples(), "bellwether_requests_in_flight"), 0);
  const after = await gateway.samples();
  const grown = (metric: string, label: string): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const [series, value] of after) {
      if (!series.startsWith(`${metric}{`)) continue;
      const more = value - (before.get(series) ?? 0);
      const key = new RegExp(`[{,]${label}="([^"]*)"`).exec(series)?.[1] ?? "?";
      if (more > 0) sums[key] = (sums[key] ?? 0) + more;
    }
    return sums;
  };
  return {
    requests: grown("bellwether_requests_total", "status"),
    errors: grown("bellwether_errors_total", "type"),
  };
}
