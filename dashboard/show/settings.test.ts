import { describe, expect, it } from "vitest";
import { groupsOf } from "./settings.ts";

describe("settings", () => {
  it("are grouped by what they belong to, and named by their path there", () => {
    expect(groupsOf({ host: "a", shutdown: { drain: "30s" }, origins: [] })).toEqual([
      {
        name: "",
        settings: [
          { path: "host", text: "a" },
          { path: "origins", text: "[]" },
        ],
      },
      { name: "shutdown", settings: [{ path: "drain", text: "30s" }] },
    ]);
  });

  it("of a list have the item's name, or its place", () => {
    const groups = groupsOf([{ name: "shop", keys: ["x", "y"] }, { when: { a: [{ b: 1 }] } }]);
    expect(groups.map(({ name }) => name)).toEqual(["shop", "[1]"]);
    expect(groups[0]?.settings).toContainEqual({ path: "keys", text: "x, y" });
    expect(groups[1]?.settings).toEqual([{ path: "when.a[0].b", text: "1" }]);
  });

  it("may be nothing, or one value", () => {
    expect(groupsOf({})).toEqual([{ name: "", settings: [{ path: "", text: "{}" }] }]);
    expect(groupsOf(null)).toEqual([{ name: "", settings: [{ path: "", text: "null" }] }]);
  });
});
