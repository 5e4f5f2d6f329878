import { expect, it } from "vitest";
import { expectGenerated } from "../../../test/helpers/golden.ts";
import { ailments, checks, troubleshootingDocument } from "./ailments.ts";

it("docs/troubleshooting.md is made of the table", () => {
  expectGenerated("docs/troubleshooting.md", troubleshootingDocument());
});

it("every ailment says what is wrong and what to do, in whole sentences, each in its own words", () => {
  for (const { wrong, fix } of Object.values(ailments)) {
    expect(wrong).toMatch(/^[A-Z].*\.$/);
    expect(fix).toMatch(/[.)]$/);
  }
  const all = Object.values(ailments).map(({ wrong }) => wrong);
  expect(new Set(all).size).toBe(all.length);
});

it("every check can find something", () => {
  const used = new Set<string>(Object.values(ailments).map(({ check }) => check));
  expect([...used].sort()).toEqual(Object.keys(checks).sort());
});
