/** The default alerts, evaluated over simulated traffic on a simulated clock. */
import { beforeEach, describe, expect, it } from "vitest";
import { configSchema } from "../config/schema.ts";
import type { Alert } from "../core/alert.ts";
import { catalogue } from "../metrics/catalogue.ts";
import { Metrics } from "../metrics/metrics.ts";
import type { Registry } from "../metrics/registry.ts";
import { quantileOf } from "./compute.ts";
import { Evaluator, type EvaluatorState } from "./evaluator.ts";
import { alertRules } from "./resolve.ts";

const STEP_S = 15;
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** A gateway whose traffic is told rather than sent. */
class Scene {
  now = 1_000_000;
  registry: Registry = new Metrics().registry;
  evaluator: Evaluator;
  readonly #config: object;
  alerts: Alert[] = [];

  constructor(config: object = {}) {
    this.#config = config;
    this.evaluator = this.#make();
  }

  /** So many calls, of which some fail. */
  calls(
    count: number,
    { failed = 0, type = "upstream_5xx", seconds = 0.4, upstream = "a", model = "m" } = {},
  ): void {
    const requests = this.registry.counter(catalogue.requests);
    const at = (status: string) => [upstream, model, "chat", "anonymous", status, "POST"];
    requests.with(at("200")).inc(count - failed);
    requests.with(at("502")).inc(failed);
    this.registry.counter(catalogue.errors).with([upstream, model, "chat", type, "502"]).inc(failed);
    const duration = this.registry
      .histogram(catalogue.duration)
      .with([upstream, model, "chat", model, "", "POST"]);
    for (let i = 0; i < count; i++) duration.observe(seconds);
  }

  /** Lets time pass; `each` happens before every sample. Returns the names of what fires in the end. */
  async pass(seconds: number, each: () => void = () => undefined, stepS = STEP_S): Promise<string[]> {
    for (const end = this.now + seconds; this.now < end; this.now += stepS) {
      each();
      this.alerts = await this.evaluator.step();
    }
    return this.firing();
  }

  firing(): string[] {
    return this.alerts
      .filter(({ status }) => status === "firing")
      .map(({ labels }) => labels.alertname ?? "")
      .sort();
  }

  restart(awayS: number): void {
    const state = JSON.parse(JSON.stringify(this.evaluator.state())) as EvaluatorState;
    this.now += awayS;
    this.registry = new Metrics().registry;
    this.evaluator = this.#make();
    this.evaluator.restore(state);
  }

  #make(): Evaluator {
    return new Evaluator({
      rules: alertRules(configSchema.parse(this.#config)).filter((rule) => rule.prometheusOnly !== true),
      registry: this.registry,
      clock: { wall: () => this.now * 1000, monotonic: () => this.now * 1000 },
      runbooks: "https://docs.example/",
    });
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe("nothing fires", () => {
  it("without traffic", async () => {
    expect(await scene.pass(HOUR)).toEqual([]);
  });

  it("while all is well", async () => {
    expect(await scene.pass(HOUR, () => scene.calls(10))).toEqual([]);
  });

  it("when one of two calls failed: that is no trend", async () => {
    scene.calls(2, { failed: 1 });
    expect(await scene.pass(HOUR)).toEqual([]);
  });
});

describe("an upstream that fails", () => {
  it("fires after its time, says how bad it is, and resolves after it has healed", async () => {
    await scene.pass(10 * MINUTE, () => scene.calls(10));
    const bad = () => scene.calls(10, { failed: 1 });
    expect(await scene.pass(4 * MINUTE, bad)).toEqual([]);
    expect(await scene.pass(8 * MINUTE, bad)).toEqual(["error-rate"]);
    const [alert] = scene.alerts;
    expect(alert?.labels).toMatchObject({ upstream: "a", severity: "warning", family: "error-rate" });
    expect(alert?.annotations.summary).toMatch(/^10 % of the calls to a fail$/);
    expect(alert?.annotations.summary_zh).toBe("a 的调用有 10 % 失败");
    expect(alert?.annotations.runbook_url).toBe("https://docs.example/error-rate");
    expect(await scene.pass(15 * MINUTE, () => scene.calls(10))).toEqual([]);
  });

  it("that is down fires quickly, as what it is", async () => {
    await scene.pass(10 * MINUTE, () => scene.calls(10));
    const down = () => scene.calls(5, { failed: 5, type: "unreachable" });
    const firing = await scene.pass(5 * MINUTE, down);
    expect(firing).toContain("upstream-down");
    expect(firing).toContain("error-rate-high");
  });

  it("that refuses the key", async () => {
    await scene.pass(10 * MINUTE, () => scene.calls(10));
    const firing = await scene.pass(5 * MINUTE, () => scene.calls(5, { failed: 5, type: "auth" }));
    expect(firing).toContain("key-refused");
    expect(firing).not.toContain("upstream-down");
  });

  it("is named among others", async () => {
    await scene.pass(15 * MINUTE, () => {
      scene.calls(10, { upstream: "good" });
      scene.calls(10, { upstream: "bad", failed: 1 });
    });
    const named = scene.alerts.map(({ labels }) => `${labels.alertname} ${labels.upstream}`);
    expect(named).toEqual(["error-rate bad"]);
  });

  it("does not end and begin again with every other sample", async () => {
    let step = 0;
    await scene.pass(30 * MINUTE, () => scene.calls(20, { failed: 1 + (step++ % 2) }));
    expect(scene.firing()).toEqual(["error-rate"]);
    const [{ startsAt } = { startsAt: 0 }] = scene.alerts;
    await scene.pass(30 * MINUTE, () => scene.calls(20, { failed: 1 + (step++ % 2) }));
    expect(scene.alerts[0]?.startsAt).toBe(startsAt);
  });
});

describe("slow calls", () => {
  it("fire at the configured threshold only", async () => {
    const slow = (it: Scene) => it.pass(15 * MINUTE, () => it.calls(10, { seconds: 4 }));
    expect(await slow(scene)).toEqual([]);
    const overrides = { "high-latency": { above: "2.5s", severity: "critical", for: "2m" } };
    const strict = new Scene({ alerts: { overrides } });
    expect(await slow(strict)).toEqual(["high-latency"]);
    expect(strict.alerts[0]?.labels).toMatchObject({ severity: "critical", upstream: "a", model: "m" });
  });

  it("that are slow only compared with before are a spike", async () => {
    await scene.pass(2 * HOUR, () => scene.calls(10, { seconds: 0.6 }));
    const firing = await scene.pass(8 * MINUTE, () => scene.calls(10, { seconds: 9 }));
    expect(firing).toEqual(["latency-spike"]);
  });
});

describe("money", () => {
  const spend = (it: Scene, cents: number) =>
    it.registry
      .money(catalogue.cost)
      .with(["a", "m", "anonymous"])
      .inc(BigInt(cents) * 10_000_000_000n);

  it("an hour that costs far more than the same hour of past weeks", async () => {
    await scene.pass(21 * DAY, () => spend(scene, 20), 5 * MINUTE);
    expect(scene.firing()).toEqual([]);
    expect(await scene.pass(HOUR, () => spend(scene, 5))).toEqual(["cost-anomaly"]);
  });

  it("an alert of one's own", async () => {
    const custom = [
      {
        name: "claude-cost",
        metric: "cost",
        where: { model: "*claude*" },
        above: { usd: 100 },
        window: "24h",
        for: "10m",
      },
    ];
    const own = new Scene({ alerts: { defaults: "off", custom } });
    const pay = (model: string) =>
      own.registry.money(catalogue.cost).with(["a", model, "shop"]).inc(200_000_000_000n);
    expect(await own.pass(4 * HOUR, () => pay("gpt-4.1"))).toEqual([]);
    expect(await own.pass(4 * HOUR, () => pay("claude-sonnet-4.5"))).toEqual(["claude-cost"]);
    expect(own.alerts[0]?.annotations.summary).toMatch(/^The cost \(model \*claude\*\): \$19\d\.\d\d$/);
  });

  it("traffic without a price", async () => {
    await scene.pass(5 * MINUTE);
    scene.registry.counter(catalogue.unpricedTokens).with(["a", "new-model"]).inc(500);
    expect(await scene.pass(MINUTE)).toEqual(["unpriced-traffic"]);
    expect(scene.alerts[0]?.annotations.summary).toBe(
      "new-model at a has no price: 500 tokens are in no sum",
    );
  });
});

describe("objectives", () => {
  const slo = { objective: 99.9, latency: { quantile: 0.95, below: "2.5s" } };

  it("burn fast: a page, and slow: a ticket", async () => {
    const fast = new Scene({ alerts: { defaults: "off" }, slo });
    await fast.pass(HOUR, () => fast.calls(100));
    expect(await fast.pass(30 * MINUTE, () => fast.calls(100, { failed: 10 }))).toContain("slo-errors-1h");
    const slow = new Scene({ alerts: { defaults: "off" }, slo });
    // One call in 500 fails: twice what the objective allows, far from fourteen times.
    let step = 0;
    const firing = await slow.pass(DAY, () => slow.calls(100, { failed: step++ % 5 === 0 ? 1 : 0 }));
    expect(firing).toEqual(["slo-errors-3d"]);
  });

  it("on latency", async () => {
    const late = new Scene({ alerts: { defaults: "off" }, slo });
    await late.pass(HOUR, () => late.calls(100));
    // After 75 minutes a fifth of the day's calls were slow: less than the 30 % that the page of 6 hours needs.
    const firing = await late.pass(75 * MINUTE, () => late.calls(20, { seconds: 4 }));
    expect(firing).toEqual(["slo-latency-1d", "slo-latency-1h", "slo-latency-3d"]);
  });
});

describe("a restart", () => {
  it("neither forgets an alert nor makes a new one of it", async () => {
    await scene.pass(10 * MINUTE, () => scene.calls(10));
    await scene.pass(10 * MINUTE, () => scene.calls(10, { failed: 2 }));
    const [before] = scene.alerts;
    scene.restart(30);
    await scene.pass(STEP_S, () => scene.calls(10, { failed: 2 }));
    expect(scene.alerts).toMatchObject([{ startsAt: before?.startsAt, fingerprint: before?.fingerprint }]);
  });

  it("does not look like a drop or a surge of what is counted", async () => {
    await scene.pass(HOUR, () => scene.calls(10));
    scene.restart(5 * MINUTE);
    expect(await scene.pass(10 * MINUTE, () => scene.calls(10))).toEqual([]);
  });

  it("ends what ended while nobody looked", async () => {
    await scene.pass(10 * MINUTE, () => scene.calls(10));
    await scene.pass(10 * MINUTE, () => scene.calls(10, { failed: 2 }));
    scene.restart(HOUR);
    scene.alerts = await scene.evaluator.step();
    expect(scene.alerts).toMatchObject([{ status: "resolved" }]);
  });
});

it("quantiles are those that Prometheus computes", () => {
  // histogram_quantile over buckets 1: 10, 2: 30, +Inf: 40 (cumulative).
  const counts = [10, 20, 10];
  expect(quantileOf(0.5, counts, [1, 2])).toBe(1.5);
  expect(quantileOf(0.125, counts, [1, 2])).toBe(0.5);
  expect(quantileOf(0.99, counts, [1, 2])).toBe(2);
  expect(quantileOf(0.5, [0, 0, 0], [1, 2])).toBeNaN();
});
