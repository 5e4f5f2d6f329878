import { describe, expect, it } from "vitest";
import { modelNames } from "./model-lists.ts";

const names = (value: unknown): string[] =>
  modelNames(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

describe("modelNames", () => {
  it("reads the ids of a list of models", () => {
    expect(names({ object: "list", data: [{ id: "gpt-6" }, { id: "claude-9" }] })).toEqual([
      "gpt-6",
      "claude-9",
    ]);
  });

  it("finds none in what is no such list", () => {
    for (const odd of [
      "<html>",
      "null",
      "[]",
      { data: {} },
      { data: [null, 1, {}, { id: 5 }, { id: "" }] },
    ]) {
      expect(names(odd)).toEqual([]);
    }
  });

  it("leaves out names that are too long to be labels", () => {
    expect(names({ data: [{ id: "x".repeat(201) }, { id: "y" }] })).toEqual(["y"]);
  });
});
