import { expect, it } from "vitest";
import { parseMatchers } from "./matchers.ts";

it("reads labels with their values, quoted or not", () => {
  expect(parseMatchers('alertname=high-*, upstream = "holy sheep"')).toEqual({
    alertname: "high-*",
    upstream: "holy sheep",
  });
});

it.each(["", "alertname", "=x", "a=", "a=b,", "1a=b", "a=b c=d,e"])("does not take %j for such", (text) => {
  expect(parseMatchers(text)).toBeUndefined();
});
