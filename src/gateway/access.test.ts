import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Access, authenticate, withoutKey } from "./access.ts";
import { RequestHead } from "./request-head.ts";

const hash = (key: string): string => createHash("sha256").update(key).digest("hex");
const access: Access = { mode: "keys", apps: new Map([[hash("secret-key"), "shop"]]) };

describe("authenticate", () => {
  it.each([
    ["Authorization", "Bearer secret-key"],
    ["authorization", "bearer  secret-key"],
    ["x-api-key", "secret-key"],
    ["X-Goog-Api-Key", "secret-key"],
  ])("knows the app by %s: %s", (name, value) => {
    expect(authenticate(access, new RequestHead([name, value]), "")).toBe("shop");
  });

  it("knows the app by the key in the query", () => {
    expect(authenticate(access, new RequestHead([]), "alt=sse&key=secret%2Dkey")).toBe("shop");
  });

  it("refuses a missing key and a wrong one differently, without repeating it", () => {
    expect(() => authenticate(access, new RequestHead([]), "")).toThrow(
      expect.objectContaining({ code: "missing_api_key" }),
    );
    const wrong = () => authenticate(access, new RequestHead(["x-api-key", "guess-123"]), "");
    expect(wrong).toThrow(expect.objectContaining({ code: "invalid_api_key" }));
    expect(wrong).not.toThrow(/guess-123/);
  });

  it("asks nobody where keys are not checked", () => {
    expect(authenticate({ mode: "none", apps: new Map() }, new RequestHead([]), "")).toBe("anonymous");
  });
});

describe("withoutKey", () => {
  it("removes the key and leaves the rest of the query as it was written", () => {
    expect(withoutKey("alt=sse&key=abc&x=%41&monkey=1")).toBe("alt=sse&x=%41&monkey=1");
    expect(withoutKey("key=abc")).toBe("");
    expect(withoutKey("k%65y=abc&monkey=1")).toBe("monkey=1");
  });
});
