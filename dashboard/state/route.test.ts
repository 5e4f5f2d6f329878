import { describe, expect, it } from "vitest";
import { hrefOf, parseRoute } from "./route.ts";

describe("addresses", () => {
  it("hold any text and give it back", () => {
    const params = { from: "24h", model: `a&b=c#d?"<script>` };
    expect({ ...parseRoute(hrefOf("calls", params)).params }).toEqual(params);
    expect(parseRoute(hrefOf("calls", params)).page).toBe("calls");
  });

  it("leave out what is empty", () => {
    expect(hrefOf("models", { from: undefined, app: "" })).toBe("#/models");
    expect(parseRoute("").page).toBe("");
    expect(parseRoute("#/")).toEqual({ page: "", params: {} });
  });

  it("cannot reach into objects", () => {
    const { params } = parseRoute("#/calls?__proto__=x&constructor=y");
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(params.constructor).toBe("y");
  });
});
