import { expect, it } from "vitest";
import type { Upstream } from "../upstreams/upstream.ts";
import { KeyHealth } from "./key-health.ts";
import type { KeyState } from "./probe.ts";
import { defaultProbesConfig, scheduled } from "./settings.ts";

const upstream = {
  ...{ name: "relay", apiKey: "sk-1", apiKeys: ["sk-1", "sk-2", "sk-3"], owns: [] },
  ...{ dialects: new Set(["openai-models", "openai-chat"]), probing: { models: {}, publicModels: false } },
} as unknown as Upstream;

it("every key after the first is asked by one probe, the first that proves a key and costs least", () => {
  const names = (each: Upstream): string[] =>
    scheduled(defaultProbesConfig(), [each], false).map(({ probe, key }) => `${probe.name} ${key}`);
  expect(names(upstream)).toEqual(["models 1", "chat 1", "tls 1", "models 2", "models 3"]);
  const open = { ...upstream, probing: { models: {}, publicModels: true } } as unknown as Upstream;
  expect(names(open)).toEqual(["models 1", "chat 1", "tls 1", "chat 2", "chat 3"]);
  const { apiKeys: _, ...single } = upstream;
  expect(names(single)).toEqual(["models 1", "chat 1", "tls 1"]);
});

it("each key has a state of its own; a call's end alone says nothing of several", () => {
  const changes: [KeyState, number][] = [];
  const health = new KeyHealth({
    ...{ isOurs: () => true, hasSeveral: () => true, doubt: () => false },
    changed: (_upstream, _before, after, key) => changes.push([after, key]),
  });
  health.prove("relay", "valid", 1);
  health.prove("relay", "valid", 2);
  health.settled({ upstream: "relay", status: 401, billable: false } as Parameters<KeyHealth["settled"]>[0]);
  health.refused("relay", 2, 401);
  health.refused("relay", 2, 429);
  expect([health.stateOf("relay"), health.stateOf("relay", 2)]).toEqual(["valid", "invalid"]);
  expect(changes).toEqual([
    ["valid", 1],
    ["valid", 2],
    ["invalid", 2],
  ]);
  health.retain(new Set());
  expect(health.stateOf("relay", 2)).toBe("unknown");
});
