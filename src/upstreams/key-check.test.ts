import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyFault } from "./key-check.ts";

const key = "sk-5e1f0c9ab27d4c11";

describe("refused", () => {
  test.each([
    ["", "is empty"],
    ["  ", "is empty"],
    ["YOUR_API_KEY", "placeholder"],
    ["YOUR_HOLYSHEEP_API_KEY", "placeholder"],
    ["your-api-key", "placeholder"],
    ["your_api_key_here", "placeholder"],
    ["my-api-key", "placeholder"],
    ["sk-your-openai-key", "placeholder"],
    ["sk-your-key-here", "placeholder"],
    ["sk-xxx", "placeholder"],
    ["sk-xxxxxxxxxxxxxxxxxxxx", "placeholder"],
    ["sk-ant-xxxxxxxx", "placeholder"],
    ["sk-proj-XXXX", "placeholder"],
    ["hs-xxxxxxxx", "placeholder"],
    ["sk-...", "placeholder"],
    ["sk-ab...", "placeholder"],
    ["xxx", "placeholder"],
    ["<key>", "placeholder"],
    ["<your key>", "placeholder"],
    ["changeme", "placeholder"],
    ["change-me", "placeholder"],
    ["TODO", "placeholder"],
    ["insert-your-key-here", "placeholder"],
    ["undefined", "placeholder"],
    ["test", "placeholder"],
    [`Bearer ${key}`, "`Bearer `"],
    [`bearer ${key}`, "`Bearer `"],
    [`Authorization: Bearer ${key}`, "`Bearer `"],
    [`api-key-${key}`, "`api-key-`"],
    [`API-KEY-${key}`, "`api-key-`"],
    [` ${key}`, "begins or ends with white space"],
    [`${key}\t`, "begins or ends with white space"],
    [`${key}\n`, "line break"],
    [`${key}\r\n${key}`, "line break"],
    [`sk-5e1f 0c9a`, "contains white space"],
    [`"${key}"`, "quotes"],
    [`'${key}`, "quotes"],
    [`“${key}”`, "quotes"],
    ["sk-5e1f…4c11", "characters that no key has"],
    ["ключ-5e1f0c9a", "characters that no key has"],
    [`${key}\u200b`, "characters that no key has"],
    [`${key}\u0000`, "characters that no key has"],
    ["$OPENAI_API_KEY", "name of a variable"],
    ["$" + "{OPENAI_API_KEY}", "name of a variable"],
    ["%OPENAI_API_KEY%", "name of a variable"],
    ["{{ key }}".replaceAll(" ", ""), "name of a variable"],
    ["file:/run/secrets/key", "address of a file"],
    ["https://api.holysheep.ai/v1", "URL"],
    [`sha256:${"a".repeat(64)}`, "hash"],
  ])("%j %s", (text, fault) => expect(keyFault(text)?.fault).toContain(fault));
});

describe("accepted", () => {
  test.each([
    key,
    "hs-3f9c2ab871d04e65",
    "sk-proj-Ab3_dEf-GhIjKlMnOpQrStUvWxYz0123456789",
    "sk-ant-api03-AbCdEf_GhIjKl-MnOpQrStUvWxYz",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "sk-or-v1-0123456789abcdef0123456789abcdef",
    "0123456789abcdef.ghijklmnopqrstuv",
    "sandbox",
    "sk-test-key-1",
    "sk-xaiXX1",
  ])("%s", (text) => expect(keyFault(text)).toBeUndefined());

  test("random keys of the usual form", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^(sk|hs|sk-ant|sk-or-v1)-[0-9a-f]{24,48}$/), (text) => {
        expect(keyFault(text)).toBeUndefined();
      }),
    );
  });
});

test("neither fault nor fix quotes the key", () => {
  const parts = ["5e1f0c9ab27d4c11", "secretpart"];
  for (const wrong of [
    `Bearer ${parts[0]}`,
    `"${parts[0]}"`,
    `api-key-${parts[1]}`,
    `${parts[0]}\n${parts[1]}`,
  ]) {
    const text = JSON.stringify(keyFault(wrong));
    for (const part of parts) expect(text).not.toContain(part);
  }
});
