import { expect, test } from "vitest";
import { showAppLabels } from "./app-labels.ts";
import { parseConfig } from "./config/parse.ts";
import { catalogue } from "./metrics/catalogue.ts";
import { Registry } from "./metrics/registry.ts";

const HASH = "3a7d3110e95b727c4e43be8dd42e5db1be671fcccb596d44cddf640073d31706";
const appsOf = (app: object) =>
  parseConfig(
    JSON.stringify({ server: { auth: "keys" }, apps: [{ keys: [`sha256:${HASH}`], ...app }] }),
    "c",
    {},
  ).config.apps;
const shown = (registry: Registry): string[] =>
  registry.gauge(catalogue.appLabel).series.map(({ labels }) => labels.values.join(" "));

test("labels and the team of an app are shown, and those of before are not any more", () => {
  const registry = new Registry();
  showAppLabels(
    registry,
    appsOf({ name: "shop", team: "commerce", labels: { env: "prod", owner: "Ann Lee" } }),
  );
  expect(shown(registry).sort()).toEqual(["shop env prod", "shop owner Ann Lee", "shop team commerce"]);
  showAppLabels(registry, appsOf({ name: "shop", labels: { env: "test" } }));
  expect(shown(registry)).toEqual(["shop env test"]);
});
