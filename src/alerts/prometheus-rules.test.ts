/**
 * The compiled rules under the real Prometheus: accepted by promtool, and firing for the same traffic as the evaluator
 * in process does.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Scenario, scenarios } from "../../test/helpers/alert-scenarios.ts";
import { describeWithProgram } from "../../test/helpers/system-program.ts";
import { configSchema } from "../config/schema.ts";
import { definitions } from "../metrics/catalogue.ts";
import { Metrics } from "../metrics/metrics.ts";
import type { Registry } from "../metrics/registry.ts";
import { prometheusRules } from "./compile-prometheus.ts";
import { Evaluator } from "./evaluator.ts";
import { leavesOf } from "./expression.ts";
import { recordings } from "./recordings.ts";
import { alertRules } from "./resolve.ts";

const RUNBOOKS = "https://docs.example/";
const CONFIG = {
  slo: { objective: 99.9, latency: { quantile: 0.95, below: "2.5s" } },
  alerts: {
    overrides: { "month-projection": { above: { usd: 500 } }, "model-cost-per-day": { above: { usd: 100 } } },
    custom: [
      {
        name: "claude-cost",
        metric: "cost",
        where: { model: "*claude*" },
        above: { usd: 50 },
        window: "1h",
        for: "10m",
      },
    ],
  },
};

const rules = alertRules(configSchema.parse(CONFIG));
const STEP_S = 30;

/** Metrics that design and rules know already, and that the parts which fill them have not brought yet. */
const AWAITED = new Set<string>();

/** The metrics of the catalogue and their labels, and Prometheus' own. */
const known = new Map<string, readonly string[]>([
  ...definitions.map(({ name, labels }) => [name, labels] as const),
  ["up", ["job", "instance"]],
]);

it("every metric that a rule looks at is in the catalogue, with the labels it asks for", () => {
  const leaves = [
    ...rules.flatMap(({ conditions }) =>
      conditions.flatMap(({ left, right }) => [...leavesOf(left), ...leavesOf(right)]),
    ),
    ...recordings.flatMap(({ expression }) => leavesOf(expression)),
  ];
  const wrong = leaves.flatMap(({ metric, by, where = {} }) => {
    const labels = known.get(metric);
    if (labels === undefined) return AWAITED.has(metric) ? [] : [`${metric} is not in the catalogue`];
    return [...by, ...Object.keys(where)]
      .filter((label) => !labels.includes(label))
      .map((label) => `${metric} has no ${label}`);
  });
  expect([...new Set(wrong)]).toEqual([]);
});

it("every label that a text names is one that the alert has", () => {
  const wrong = rules.flatMap((rule) => {
    const [first] = rule.conditions;
    const has = [
      "value",
      ...Object.keys(rule.labels ?? {}),
      ...leavesOf(first?.left ?? { op: "now" }).flatMap(({ by }) => by),
    ];
    const texts = [...Object.values(rule.summary), ...Object.values(rule.description)].join(" ");
    return [...texts.matchAll(/\{(\w+)\}/g)]
      .filter(([, name = ""]) => !has.includes(name))
      .map(([text]) => `${rule.name}: ${text}`);
  });
  expect(wrong).toEqual([]);
});

describeWithProgram("promtool", "Prometheus", (promtool) => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-rules-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const rulesFile = join(folder, "rules.yml");
  writeFileSync(rulesFile, stringify(prometheusRules(rules, RUNBOOKS)));
  /** Without the recordings, and a long scenario looks at its own rules only: some thousand times. */
  const rulesFor = ({ name, only }: Scenario): string => {
    const file = join(folder, `rules-${name.replace(/\W+/g, "-")}.yml`);
    const wanted = rules.filter((rule) => only?.includes(rule.name) !== false);
    const groups = prometheusRules(wanted, RUNBOOKS).groups.filter(
      (group) => group.name === "bellwether-alerts",
    );
    writeFileSync(file, stringify({ groups }));
    return file;
  };

  it("accepts the rules", async () => {
    const { stdout } = await promisify(execFile)(promtool, ["check", "rules", rulesFile]);
    expect(stdout).toContain("SUCCESS");
  });

  it.each(scenarios)("and the evaluator in process fire alike: $name", async (scenario) => {
    const run = await playInProcess(scenario);
    expect(Object.fromEntries(run.firing)).toEqual(scenario.expected);
    const test = {
      rule_files: [rulesFor(scenario)],
      evaluation_interval: `${scenario.stepS ?? STEP_S}s`,
      tests: [
        {
          interval: `${scenario.stepS ?? STEP_S}s`,
          input_series: run.series,
          promql_expr_test: [...run.firing].map(([minute, alerts]) => ({
            expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: `${minute}m`,
            exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
          })),
        },
      ],
    };
    const file = join(folder, `${scenario.name.replace(/\W+/g, "-")}.yml`);
    writeFileSync(file, stringify(test));
    await promisify(execFile)(promtool, ["test", "rules", file]).catch(
      (error: { stdout?: string; stderr?: string }) => {
        throw new Error(`${error.stdout ?? ""}${error.stderr ?? ""}`);
      },
    );
  });

  it("every default alert fires in one of the scenarios, and is quiet in another", () => {
    const fired = new Set(scenarios.flatMap(({ expected }) => Object.values(expected).flat()));
    const measured = rules.filter(({ conditions }) =>
      conditions.flatMap(({ left }) => leavesOf(left)).every(({ metric }) => known.has(metric)),
    );
    const names = measured.map(({ name }) => name).filter((name) => !NOT_IN_PROCESS.has(name));
    const never = names.filter((name) => !fired.has(name));
    expect(never).toEqual([]);
  });
});

/** Prometheus alone can see these. */
const NOT_IN_PROCESS = new Set(
  rules.filter(({ prometheusOnly }) => prometheusOnly === true).map(({ name }) => name),
);

interface Played {
  /** Names of what fires, by minute. */
  readonly firing: ReadonlyMap<number, readonly string[]>;
  /** The same traffic as promtool's series. */
  readonly series: readonly { readonly series: string; readonly values: string }[];
}

async function playInProcess(scenario: Scenario): Promise<Played> {
  let now = 0;
  const begin = (): { metrics: Metrics; evaluator: Evaluator } => {
    const metrics = new Metrics();
    const evaluator = new Evaluator({
      rules: rules.filter(
        ({ name, prometheusOnly }) => prometheusOnly !== true && scenario.only?.includes(name) !== false,
      ),
      registry: metrics.registry,
      clock: { wall: () => now * 1000, monotonic: () => now * 1000 },
      runbooks: RUNBOOKS,
    });
    return { metrics, evaluator };
  };
  let { metrics, evaluator } = begin();
  const firing = new Map<number, readonly string[]>();
  const series = new Map<string, (number | undefined)[]>();
  const minutes = Math.max(...Object.keys(scenario.expected).map(Number));
  const stepS = scenario.stepS ?? STEP_S;
  const steps = (minutes * 60) / stepS;
  for (let step = 0; step <= steps; step++, now += stepS) {
    if (scenario.restartsAt?.includes((step * stepS) / 60)) {
      const state = JSON.stringify(evaluator.state());
      ({ metrics, evaluator } = begin());
      evaluator.restore(JSON.parse(state));
    }
    scenario.traffic(metrics.registry, (step * stepS) / 60, now);
    const alerts = await evaluator.step();
    const minute = (step * stepS) / 60;
    if (scenario.expected[minute] !== undefined) {
      const names = alerts
        .filter(({ status }) => status === "firing")
        .map(({ labels }) => labels.alertname ?? "");
      firing.set(minute, [...new Set(names)].sort());
    }
    for (const [name, value] of samplesOf(metrics.registry)) {
      let values = series.get(name);
      if (values === undefined) {
        values = [];
        series.set(name, values);
      }
      values[step] = value;
    }
  }
  return {
    firing,
    series: [...series].map(([name, values]) => ({
      series: name,
      values: Array.from(values, (value) => (value === undefined ? "_" : String(value))).join(" "),
    })),
  };
}

/** Every series of the registry as the text format would show it, detail labels summed away. */
function samplesOf(registry: Registry): Map<string, number> {
  const samples = new Map<string, number>();
  const add = (name: string, labels: readonly string[], value: number): void => {
    const key = labels.length === 0 ? name : `${name}{${labels.join(",")}}`;
    samples.set(key, (samples.get(key) ?? 0) + value);
  };
  for (const definition of definitions) {
    const source = registry.source(definition.name);
    const bounds: readonly number[] = definition.bounds ?? [];
    for (const { labels, read } of source?.series ?? []) {
      const texts = definition.labels.map((name) => `${name}="${labels.values[labels.names.indexOf(name)]}"`);
      const value = read();
      if (typeof value === "number") add(definition.name, texts, value);
      else if (typeof value === "bigint") add(definition.name, texts, Number(value) / 1e12);
      else {
        let below = 0;
        for (const [index, count] of value.counts.entries()) {
          below += count;
          const bound = source?.bounds[index];
          if (bound !== undefined && !bounds.includes(bound)) continue;
          const le = bound === undefined ? "+Inf" : Number.isInteger(bound) ? `${bound}.0` : String(bound);
          add(`${definition.name}_bucket`, [...texts, `le="${le}"`], below);
        }
      }
    }
  }
  return samples;
}
