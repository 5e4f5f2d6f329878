import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mask, Secret, secretUrl } from "./values.ts";

test("the last four characters are shown of long secrets only", () => {
  expect(mask("hs-123456789")).toBe("****6789");
  expect(mask("hs-12345678")).toBe("****");
  expect(mask("")).toBe("****");
});

test("no way of printing a secret shows it", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{13,40}$/), (value) => {
      const secret = new Secret(value);
      const shown = [
        String(secret),
        `${secret}`,
        secret.toString(),
        JSON.stringify({ secret }),
        inspect({ secret }, { depth: 9, showHidden: true }),
        Object.values(secret).join(),
      ].join("\n");
      return !shown.includes(value) && secret.reveal() === value;
    }),
  );
});

test("of a proxy only user and password are masked", () => {
  expect(String(secretUrl("http://me:pa@ss@proxy.internal:3128"))).toBe("http://****@proxy.internal:3128");
  expect(String(secretUrl("http://proxy.internal:3128"))).toBe("http://proxy.internal:3128");
});
