/** The rules that the documentation shows are rules that a start accepts. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "./config/parse.ts";
import { formatProblem } from "./config/problems.ts";
import { PriceBook } from "./prices/book.ts";
import { loadPriceLists } from "./prices/data.ts";
import { checkRoutes } from "./routes.ts";
import { resolveUpstreams } from "./upstreams/resolve.ts";

const env = {
  HOLYSHEEP_API_KEY: "hs-0123456789abcdef",
  OPENAI_API_KEY: "sk-0123456789abcdef",
  OPENAI_API_KEY_2: "sk-abcdef0123456789",
  BACKUP_KEY: "sk-fedcba9876543210",
};
const app = {
  ...{ name: "shop", budget: { usd: 1, per: "day" } },
  keys: ["sha256:3a7d3110e95b727c4e43be8dd42e5db1be671fcccb596d44cddf640073d31706"],
};

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");

/** The examples of a page that hold routes; those that are only a part get what they leave out. */
function examples(file: string): string[] {
  const blocks = [...read(file).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks
    .filter((block) => /^( {2}- \{ name: .* when:|routes:)/m.test(block))
    .map((block) => {
      const given = parse(block.startsWith("  - ") ? `routes:\n${block}` : block) as object;
      return JSON.stringify({
        server: { auth: "keys" },
        apps: [app],
        upstreams: { holysheep: { preset: "holysheep" }, openai: { preset: "openai" } },
        ...given,
      });
    });
}

const pages = ["docs/routing.md", "README.md"].flatMap((file) =>
  examples(file).map((text, index) => [`${file}, example ${index + 1}`, text] as const),
);

test("there are examples", () => {
  expect(pages.length).toBeGreaterThanOrEqual(3);
});

test.each([...pages, ["bellwether.example.yaml", read("bellwether.example.yaml")] as const])(
  "%s is accepted",
  async (file, text) => {
    const { config, locate } = parseConfig(text, file, {
      ...env,
      SLACK_WEBHOOK: "https://hooks.example/x",
      WECOM_KEY: "k",
      PD_KEY: "k",
    });
    const upstreams = resolveUpstreams(config, env, { locate });
    const prices = new PriceBook(loadPriceLists([]), upstreams);
    const loaded = { config, locate, file, files: [], warnings: [] };
    expect((await checkRoutes(loaded, upstreams, prices)).map(formatProblem)).toEqual([]);
  },
);
