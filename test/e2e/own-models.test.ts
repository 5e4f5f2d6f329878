/** Lists of models through a gateway that has models of its own: whatever a list names is found by that name. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";

const keyOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
/** With letters that paths give another meaning. */
const ODD = "team/mini:fast 群?";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    server: { auth: "keys" },
    apps: [
      { name: "shop", keys: [keyOf("shop-key")] },
      { name: "lab", keys: [keyOf("lab-key")], models: ["mini", "gpt-*"] },
    ],
    models: {
      auto: { route: true },
      mini: { alias: "gpt-4.1-mini" },
      [ODD]: { alias: "mini" },
      "gpt-4.1-nano": { alias: "gpt-4.1-mini" },
    },
    routes: [{ name: "rest", when: { model: "auto" }, use: { model: "mini" } }],
  });
});
afterAll(() => gateway.close());

type Entry = Readonly<Record<string, unknown>>;

async function ask(path: string, headers: Record<string, string>) {
  const answer = await fetch(gateway.url + path, { headers });
  return { status: answer.status, body: (await answer.json()) as Entry };
}

async function listed(path: string, headers: Record<string, string>): Promise<Entry[]> {
  const { body } = await ask(path, headers);
  return (body.data ?? body.models) as Entry[];
}

const nameOf = ({ id, name }: Entry) => String(id ?? name).replace(/^models\//, "");

const APIS: readonly [string, string, (key: string) => Record<string, string>][] = [
  ["OpenAI", "/v1/models", (key) => ({ authorization: `Bearer ${key}` })],
  ["Anthropic", "/v1/models", (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" })],
  ["Gemini", "/v1beta/models", (key) => ({ "x-goog-api-key": key })],
];

it.each(APIS)("%s: every model that is listed is found, as it is listed", async (_, path, headers) => {
  const all = await listed(path, headers("shop-key"));
  const names = all.map(nameOf);
  expect(names.slice(0, 3)).toEqual(["auto", "mini", ODD]);
  expect(names.length).toBeGreaterThan(10);
  expect(new Set(names).size).toBe(names.length);
  // It is the upstream's to list: a price list has it.
  expect(names.indexOf("gpt-4.1-nano")).toBeGreaterThan(2);
  for (const entry of all) {
    const one = await ask(`${path}/${encodeURIComponent(nameOf(entry))}`, headers("shop-key"));
    expect(one).toEqual({ status: 200, body: entry });
  }
  expect((await ask(`${path}/min`, headers("shop-key"))).status).toBe(404);
});

it.each(APIS)("%s: an app sees the models it may ask for", async (_, path, headers) => {
  const names = (await listed(path, headers("lab-key"))).map(nameOf);
  expect(names).toContain("mini");
  expect(names).not.toContain("auto");
  expect((await ask(`${path}/mini`, headers("lab-key"))).status).toBe(200);
  expect((await ask(`${path}/auto`, headers("lab-key"))).status).toBe(403);
});

it("a name may be written as it is", async () => {
  const { body } = await ask(`/v1/models/${ODD.replace(" 群?", "%20群%3F")}`, {
    authorization: "Bearer shop-key",
  });
  expect(body.id).toBe(ODD);
});
