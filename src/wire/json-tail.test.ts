import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostileObject, hostilePiece } from "../../test/helpers/arbitrary-json.ts";
import { findInHead, findInTail } from "./json-tail.ts";

const WINDOW = 64 * 1024;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const inTail = (text: string, window = WINDOW): unknown => findInTail(bytesOf(text), "usage", window);
const inHead = (text: string, window = WINDOW): unknown => findInHead(bytesOf(text), "model", window);

const answer = JSON.stringify({
  id: "chatcmpl-1",
  model: "gpt-4.1",
  choices: [{ message: { content: 'say "usage":{"a":1} and \\"usage\\"' } }],
  usage: { prompt_tokens: 5, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 1 } },
  service_tier: "default",
});

describe("findInTail", () => {
  it("finds a member whatever follows it", () => {
    expect(inTail(answer)).toEqual(JSON.parse(answer).usage);
  });

  it("reads a Buffer as it reads plain bytes", () => {
    expect(findInTail(Buffer.from(answer), "usage", WINDOW)).toEqual(JSON.parse(answer).usage);
  });

  it("allows whitespace anywhere", () => {
    expect(inTail('\n { "a" : [ 1 ] , "usage" : { "x" : 1 } \r\n,\t"b" : "}" } \n')).toEqual({ x: 1 });
  });

  it("reads values of every type", () => {
    for (const value of [0, -1.5e3, 'a"b\\', true, null, [], {}, [{ usage: 1 }]]) {
      expect(inTail(JSON.stringify({ a: 1, usage: value }))).toEqual(value);
      expect(inTail(JSON.stringify({ usage: value, z: { usage: 2 } }))).toEqual(value);
    }
  });

  it("takes no nested member for a top-level one", () => {
    expect(inTail('{"a":{"usage":1}}')).toBeUndefined();
    expect(inTail('{"a":{"usage":1},"b":2}')).toBeUndefined();
    expect(inTail('{"a":[{"usage":1}]}')).toBeUndefined();
    expect(inTail('[{"usage":1}]')).toBeUndefined();
  });

  it("takes no text for a member", () => {
    expect(inTail(JSON.stringify({ a: '{"usage":1}' }))).toBeUndefined();
    expect(inTail(JSON.stringify({ a: ',"usage":1,"b":"' }))).toBeUndefined();
    expect(inTail('{"a":"usage","b":1}')).toBeUndefined();
  });

  it("takes the last of several, as JSON.parse does", () => {
    expect(inTail('{"usage":1,"usage":2}')).toBe(2);
  });

  it("is unsure when an escaped name might be the key again", () => {
    expect(inTail('{"usage":1,"\\u0075sage":2}')).toBeUndefined();
  });

  it("finds nothing that begins before the window", () => {
    expect(inTail(answer, 10)).toBeUndefined();
    expect(inTail(answer, answer.length - answer.lastIndexOf('"usage"'))).toBeDefined();
    expect(inTail(answer, answer.length - answer.lastIndexOf('"usage"') - 1)).toBeUndefined();
  });

  it("finds nothing in a body that is cut anywhere", () => {
    for (let end = 0; end < answer.length; end++) expect(inTail(answer.slice(0, end))).toBeUndefined();
  });

  it("gives up on a body that repeats the key without end", () => {
    const nested = `{"usage":1,"a":[${'{"usage":{}},'.repeat(1000)}0]}`;
    expect(inTail(nested)).toBeUndefined();
  });
});

describe("findInHead", () => {
  it("finds a member behind others", () => {
    expect(inHead(answer)).toBe("gpt-4.1");
    expect(inHead(' { "a" : { "model" : 1 } , "b" : "}\\"" , "model" : "ä" }')).toBe("ä");
  });

  it("takes no nested member and no text for a top-level one", () => {
    expect(inHead('{"a":{"model":1},"b":[{"model":2}],"c":"\\"model\\":3"}')).toBeUndefined();
    expect(inHead('[{"model":1}]')).toBeUndefined();
    expect(inHead("{}")).toBeUndefined();
  });

  it("finds nothing that ends beyond the window", () => {
    const end = answer.indexOf('"gpt-4.1"') + 9;
    expect(inHead(answer, end)).toBe("gpt-4.1");
    expect(inHead(answer, end - 1)).toBeUndefined();
    expect(inHead('{"model":1234}', 11)).toBeUndefined();
  });

  it("is unsure when an escaped name might be the key", () => {
    expect(inHead('{"\\u006dodel":1,"model":2}')).toBeUndefined();
  });
});

describe("whatever the body", () => {
  it("the result is what JSON.parse gives, or undefined", () => {
    fc.assert(
      fc.property(
        hostileObject,
        fc.constantFrom(undefined, 1, "\t"),
        fc.integer({ min: 0, max: 300 }),
        (body, indent, window) => {
          const text = JSON.stringify(body, undefined, indent);
          const bytes = bytesOf(text);
          const whole = JSON.parse(text) as Record<string, unknown>;
          for (const key of ["usage", "model"]) {
            for (const find of [findInTail, findInHead]) {
              const near = find(bytes, key, window);
              if (near !== undefined) expect(near).toEqual(whole[key]);
              const far = find(bytes, key, bytes.length);
              if (far !== undefined) expect(far).toEqual(whole[key]);
              // Doubt is allowed only where an escaped name, or too many nested ones, cause it.
              const certain = !text.includes("\\") && text.split(`"${key}"`).length < 8;
              if (certain && whole[key] !== undefined) expect(far).toEqual(whole[key]);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("nothing is thrown, for any bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hostilePiece, fc.constantFrom("{", '"usage":', "1", ",")), { maxLength: 20 }),
        (pieces) => {
          const bytes = bytesOf(`{${pieces.join("")}`);
          for (const key of ["usage", "model"]) {
            findInTail(bytes, key, WINDOW);
            findInHead(bytes, key, WINDOW);
          }
        },
      ),
    );
  });
});
