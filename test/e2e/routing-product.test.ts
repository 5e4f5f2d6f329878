/** Routing in the built product: its rows in the ledger, its metrics, and the command that explains. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Product, startProduct } from "../helpers/product.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

const config = {
  models: { auto: { route: true } },
  routes: [
    { name: "code", when: { model: "auto", prompt: "(?i)\\bfunction\\b" }, use: { model: "gpt-4.1" } },
    {
      name: "slow",
      when: { model: "o3", state: { p99: { above: "1ms", for: "0s", minCalls: 1 } } },
      use: { model: "o4-mini" },
    },
    { name: "rest", when: { model: "auto" }, use: { model: "gpt-4o-mini" } },
  ],
};

let product: Product;
beforeAll(async () => {
  product = await startProduct({ config });
});
afterAll(() => product.close());

async function ask(model: string, content: string): Promise<string | null> {
  const body = JSON.stringify({ model, messages: [{ role: "user", content }], max_tokens: 4 });
  const response = await fetch(`${product.url}/v1/chat/completions`, { method: "POST", body });
  await response.arrayBuffer();
  return response.headers.get("x-bellwether-route");
}

const bellwether = (...args: string[]) =>
  spawnSync(process.execPath, [PROGRAM, ...args], { cwd: product.folder, encoding: "utf8" });

describe("the product", () => {
  it("decides, and writes into each call's row what decided", async () => {
    expect(await ask("auto", "Mend this FUNCTION")).toBe("code");
    expect(await ask("auto", "Hello")).toBe("rest");
    const rows = async () => {
      const response = await fetch(`${product.url}/api/calls?route=code`);
      const { calls } = (await response.json()) as { calls: { route: string; model: string }[] };
      return calls.map(({ route, model }) => ({ route, model }));
    };
    await until(rows, [{ route: "code", model: "gpt-4.1" }]);
  });

  it("tells in metrics and by its API when a rule begins to take calls", async () => {
    expect(await ask("o3", "Hello")).toBe("default");
    const page = async () => {
      const text = await (await fetch(`${product.url}/metrics`)).text();
      return /^bellwether_route_active\{route="slow"\} (\d)$/m.exec(text)?.[1];
    };
    await until(page, "1");
    expect(await ask("o3", "Hello")).toBe("slow");
    const { routes } = (await (await fetch(`${product.url}/api/routes`)).json()) as {
      routes: { name: string; active: boolean | null }[];
    };
    expect(routes.map(({ name, active }) => [name, active])).toEqual([
      ["code", null],
      ["slow", true],
      ["rest", null],
    ]);
  });

  it("explains by the command, from the file and from the process that runs", () => {
    const args = ["route", "explain", "--model", "o3", "--json"];
    const calm = JSON.parse(bellwether(...args).stdout);
    expect(calm).toMatchObject({ route: "default", place: { upstream: "relay", model: "o3" } });
    const live = JSON.parse(bellwether(...args, "--url", product.url).stdout);
    expect(live).toMatchObject({ route: "slow", place: { upstream: "relay", model: "o4-mini" } });
    const text = bellwether("route", "explain", "--model", "auto", "--prompt", "a function, please").stdout;
    expect(text).toContain("gpt-4.1 at relay   route code, rule");
    expect(text).not.toContain("please");
    expect(bellwether("route", "list").stdout).toContain("Only routed: auto");
    expect(bellwether("route", "explain", "--model", "auto", "--tokens", "many")).toMatchObject({
      status: 1,
    });
    const away = bellwether(...args, "--url", "http://127.0.0.1:1");
    expect(away).toMatchObject({ status: 1, stderr: expect.stringContaining("does not answer") });
  });

  it("refuses rules of no use by `check`, with the line", () => {
    const folder = mkdtempSync(join(tmpdir(), "bellwether-routes-"));
    const file = join(folder, "bellwether.yaml");
    writeFileSync(
      file,
      [
        "upstreams: { relay: { baseUrl: http://127.0.0.1:9/v1, apiKey: key-of-the-relay } }",
        "models: { auto: { route: true } }",
        "routes:",
        "  - { name: all, when: { model: auto }, use: { model: gpt-4.1 } }",
        '  - { name: never, when: { model: auto, prompt: "(" }, use: { model: gpt-4.1 } }',
        "  - { name: late, when: { model: auto, tools: true }, use: { model: gpt-4.1 } }",
      ].join("\n"),
    );
    const { status, stderr } = bellwether("check", "--config", file);
    rmSync(folder, { recursive: true });
    expect(status).toBe(1);
    expect(stderr).toContain(
      "bellwether.yaml:5:49: routes[1].when.prompt: the regular expression is not valid",
    );
    expect(stderr).toContain(
      'bellwether.yaml:6:5: routes[2]: the rule never decides: "all" is asked before it',
    );
  });
});
