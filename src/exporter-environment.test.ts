import { expect, it } from "vitest";
import { defaultConfig } from "./config/defaults.ts";
import { ConfigError } from "./config/problems.ts";
import { exporterProbes } from "./exporter-environment.ts";
import { defaultProbesConfig } from "./probes/settings.ts";

const warnings: string[] = [];
const read = (env: Record<string, string>, config = {}) =>
  exporterProbes({ ...defaultConfig, ...config }, env, (text) => void warnings.push(text));

it("nothing said is the defaults", () => {
  expect(read({})).toEqual(defaultProbesConfig());
});

it("an interval has a unit or is in seconds; modules are parted by commas", () => {
  expect(read({ METRICS_INTERVAL: "15s" }).interval).toBe(15_000);
  expect(read({ METRICS_INTERVAL: "90" }).interval).toBe(90_000);
  expect(read({ COLLECT_MODULES: "chat, embeddings,images,models,balance" }).modules).toEqual([
    "chat",
    "embeddings",
    "images",
    "models",
    "balance",
  ]);
});

it("what cannot be used is refused, all at once, with what was probably meant", () => {
  const attempt = () => read({ METRICS_INTERVAL: "often", COLLECT_MODULES: "chat,embedding" });
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(/METRICS_INTERVAL: is not a duration[\s\S]*COLLECT_MODULES[\s\S]*"embeddings"/);
});

it("a file's own section wins, and the variables are said to be ignored", () => {
  const probes = { ...defaultProbesConfig(), interval: 7_000 };
  expect(read({ METRICS_INTERVAL: "15s" }, { probes }).interval).toBe(7_000);
  expect(warnings).toEqual(["METRICS_INTERVAL is ignored: the configuration has a section `probes`."]);
});
