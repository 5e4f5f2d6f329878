import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Access, type App, anonymousApp, authenticate, authorise, withoutKey } from "./access.ts";
import { RequestHead } from "./request-head.ts";

const hash = (key: string): string => createHash("sha256").update(key).digest("hex");
const shop: App = { name: "shop", team: "commerce", models: undefined, endpoints: undefined };
const access: Access = {
  mode: "keys",
  apps: new Map([
    [hash("secret-key"), { app: shop, until: undefined }],
    [hash("old-key"), { app: shop, until: 1_000 }],
  ]),
};

describe("authenticate", () => {
  it.each([
    ["Authorization", "Bearer secret-key"],
    ["authorization", "bearer  secret-key"],
    ["x-api-key", "secret-key"],
    ["X-Goog-Api-Key", "secret-key"],
  ])("knows the app by %s: %s", (name, value) => {
    expect(authenticate(access, new RequestHead([name, value]), "", 0)).toBe(shop);
  });

  it("knows the app by a key that is no ASCII, in a header as in the query", () => {
    const apps = new Map([[hash("ключ-🐑"), { app: shop, until: undefined }]]);
    const bytes = Buffer.from("ключ-🐑").toString("latin1");
    const head = new RequestHead(["authorization", `Bearer ${bytes}`]);
    expect(authenticate({ mode: "keys", apps }, head, "", 0)).toBe(shop);
    const query = `key=${encodeURIComponent("ключ-🐑")}`;
    expect(authenticate({ mode: "keys", apps }, new RequestHead([]), query, 0)).toBe(shop);
  });

  it("knows the app by the key in the query", () => {
    expect(authenticate(access, new RequestHead([]), "alt=sse&key=secret%2Dkey", 0)).toBe(shop);
  });

  it("refuses a missing key and a wrong one differently, without repeating it", () => {
    expect(() => authenticate(access, new RequestHead([]), "", 0)).toThrow(
      expect.objectContaining({ code: "missing_api_key" }),
    );
    const wrong = () => authenticate(access, new RequestHead(["x-api-key", "guess-123"]), "", 0);
    expect(wrong).toThrow(expect.objectContaining({ code: "invalid_api_key" }));
    expect(wrong).not.toThrow(/guess-123/);
  });

  it("refuses a key from the moment on at which it expires", () => {
    const head = new RequestHead(["x-api-key", "old-key"]);
    expect(authenticate(access, head, "", 999)).toBe(shop);
    expect(() => authenticate(access, head, "", 1_000)).toThrow(
      expect.objectContaining({ code: "expired_api_key" }),
    );
  });

  it("refuses a key that was good until the configuration changed", () => {
    const head = new RequestHead(["x-api-key", "secret-key"]);
    expect(authenticate(access, head, "", 0)).toBe(shop);
    expect(() => authenticate({ mode: "keys", apps: new Map() }, head, "", 0)).toThrow(
      expect.objectContaining({ code: "invalid_api_key" }),
    );
  });

  it("asks nobody where keys are not checked", () => {
    expect(authenticate({ mode: "none", apps: new Map() }, new RequestHead([]), "", 0)).toBe(anonymousApp);
  });
});

describe("authorise", () => {
  const models = { listed: ["gpt-4.1"], matches: (model: string) => model === "gpt-4.1" };
  const bound: App = { ...shop, models, endpoints: new Set(["chat", "models"]) };

  it("lets an app have the models and endpoints it may have", () => {
    expect(() => authorise(bound, "chat", "gpt-4.1", true)).not.toThrow();
    expect(() => authorise(bound, "models", "", false)).not.toThrow();
    expect(() => authorise(anonymousApp, "images", "any", true)).not.toThrow();
  });

  it("refuses others, and a call that names no model where one is used", () => {
    const code = (wanted: string) => expect.objectContaining({ code: wanted, status: 403 });
    expect(() => authorise(bound, "embeddings", "gpt-4.1", true)).toThrow(code("endpoint_not_allowed"));
    expect(() => authorise(bound, "chat", "gpt-5", true)).toThrow(code("model_not_allowed"));
    expect(() => authorise(bound, "chat", "", true)).toThrow(code("model_not_allowed"));
  });
});

describe("withoutKey", () => {
  it("removes the key and leaves the rest of the query as it was written", () => {
    expect(withoutKey("alt=sse&key=abc&x=%41&monkey=1")).toBe("alt=sse&x=%41&monkey=1");
    expect(withoutKey("key=abc")).toBe("");
    expect(withoutKey("k%65y=abc&monkey=1")).toBe("monkey=1");
  });
});
