import { describe, expect, test } from "vitest";
import type { DialectName, Family } from "../usage/dialect.ts";
import { buildRoutingTable, type Candidate, type ModelRule, plan } from "./plan.ts";

const upstream = (name: string, dialects: DialectName[], owns: string[] = []): Candidate => ({
  name,
  dialects: new Set(dialects),
  owns,
});
const relay = upstream("relay", [
  "openai-chat",
  "openai-embeddings",
  "anthropic-messages",
  "openai-models",
  "other",
]);
const openai = upstream("openai", ["openai-chat", "openai-models", "other"], ["gpt-*", "o1*"]);
const anthropic = upstream("anthropic", ["anthropic-messages", "openai-models", "other"], ["claude-*"]);

/** `upstream model`, or `none`. */
function planned(
  model: string,
  models: Record<string, ModelRule> = {},
  upstreams: Candidate[] = [relay, openai, anthropic],
  dialect: DialectName = "openai-chat",
  family: Family = "openai",
): string {
  const decision = plan({ model, dialect, family }, buildRoutingTable(models, upstreams));
  return decision === undefined ? "none" : `${decision.upstream.name} ${decision.model}`;
}

describe("a model that is not configured", () => {
  test("goes to the upstream whose vendor makes it, if it speaks the dialect", () => {
    expect(planned("gpt-4.1")).toBe("openai gpt-4.1");
    expect(planned("claude-sonnet-4.5")).toBe("relay claude-sonnet-4.5");
    expect(planned("claude-sonnet-4.5", {}, undefined, "anthropic-messages", "anthropic")).toBe(
      "anthropic claude-sonnet-4.5",
    );
  });

  test("goes else to the first that speaks the dialect", () => {
    expect(planned("llama-4")).toBe("relay llama-4");
    expect(planned("gpt-4.1", {}, [anthropic, relay])).toBe("relay gpt-4.1");
    expect(planned("")).toBe("relay ");
  });

  test("goes nowhere if none speaks the dialect", () => {
    expect(planned("gemini-2.5-flash", {}, undefined, "gemini-generate", "gemini")).toBe("none");
    expect(planned("gpt-4.1", {}, [])).toBe("none");
  });
});

describe("a configured model", () => {
  test("goes to the first of its upstreams that speaks the dialect", () => {
    const models = { "gpt-4.1": { upstreams: ["anthropic", "relay", "openai"] } };
    expect(planned("gpt-4.1", models)).toBe("relay gpt-4.1");
    expect(planned("gpt-4.1", { "gpt-4.1": { upstreams: ["anthropic"] } })).toBe("none");
  });

  test("is replaced by what its alias stands for, through a chain", () => {
    const models = { fast: { alias: "quick" }, quick: { alias: "gpt-4.1-mini" } };
    expect(planned("fast", models)).toBe("openai gpt-4.1-mini");
  });

  test("goes by the first list of upstreams on the way of its aliases", () => {
    const models = {
      fast: { alias: "quick" },
      quick: { alias: "gpt-4.1", upstreams: ["relay"] },
      "gpt-4.1": { upstreams: ["openai"] },
    };
    expect(planned("fast", models)).toBe("relay gpt-4.1");
    expect(planned("gpt-4.1", models)).toBe("openai gpt-4.1");
  });

  test("whose aliases go in a circle does not hang", () => {
    expect(planned("a", { a: { alias: "b" }, b: { alias: "a" } })).toMatch(/^relay [ab]$/);
  });
});

test("paths that all families share prefer an upstream of the client's family", () => {
  const upstreams = [openai, anthropic];
  expect(planned("", {}, upstreams, "openai-models", "openai")).toBe("openai ");
  expect(planned("", {}, upstreams, "openai-models", "anthropic")).toBe("anthropic ");
  expect(planned("", {}, upstreams, "other", "anthropic")).toBe("anthropic ");
  expect(planned("", {}, upstreams, "other", "gemini")).toBe("openai ");
});

test("names inherited from objects are models like others", () => {
  expect(planned("constructor")).toBe("relay constructor");
  expect(planned("__proto__")).toBe("relay __proto__");
});

test.each([
  ["gpt-*", "gpt-4.1", true],
  ["gpt-*", "my-gpt-4", false],
  ["*/*", "openai/gpt-4.1", true],
  ["*/*", "gpt-4.1", false],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "acb", false],
  ["ab*ba", "aba", false],
  ["exact", "exact", true],
  ["exact", "exactly", false],
  ["*", "", true],
])("%s matches %s: %s", (glob, model, matches) => {
  const upstreams = [upstream("first", ["openai-chat"]), upstream("owner", ["openai-chat"], [glob])];
  expect(planned(model, {}, upstreams)).toBe(`${matches ? "owner" : "first"} ${model}`);
});

test("decisions are remembered, and invented names cannot fill the memory", () => {
  const table = buildRoutingTable({}, [relay, openai]);
  const ask = (model: string) => plan({ model, dialect: "openai-chat", family: "openai" }, table);
  expect(ask("gpt-4.1")).toBe(ask("gpt-4.1"));
  for (let i = 0; i < 10_000; i++) expect(ask(`gpt-${i}`)?.upstream).toBe(openai);
  ask("x".repeat(1_000_000));
  const remembered = [...table.lanes.values()].flatMap(({ decisions }) => [...decisions.keys()]);
  expect(remembered.length).toBeLessThanOrEqual(1024);
  expect(remembered.every((model) => model.length <= 256)).toBe(true);
});
