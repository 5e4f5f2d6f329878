import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostileObject, hostilePiece } from "../../test/helpers/arbitrary-json.ts";
import { readMembers } from "./json-members.ts";

const WANTED = new Set(["model", "usage"]);
const read = (text: string) => readMembers(text, WANTED);
const picked = (whole: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(whole).filter(([name]) => WANTED.has(name)));

describe("readMembers", () => {
  it("reads what is wanted, whatever stands before and behind it", () => {
    const request = {
      messages: [{ role: "user", content: 'say "model":"a" and \\"model\\"' }],
      model: "gpt-4.1",
      tools: [[], {}, [{ model: "}" }]],
      usage: { a: [1, "]"] },
      n: 1e3,
    };
    expect(read(JSON.stringify(request))).toEqual({ model: "gpt-4.1", usage: request.usage });
    expect(read(' { "a" : [ 1 ] ,\n"model" : null ,\t"b" : -1.5e3 } \r\n')).toEqual({ model: null });
    expect(read('{"a":true}')).toEqual({});
  });

  it("takes the last of several, as JSON.parse does", () => {
    expect(read('{"model":1,"usage":0,"model":2}')).toEqual({ model: 2, usage: 0 });
  });

  it("is unsure where an escaped name might be a wanted one, or nothing is a member", () => {
    for (const text of ['{"model":1,"\\u006dodel":2}', '{"a\\"":1}', "{}", "[]", '"model"', "", "null"]) {
      expect(read(text), text).toBeUndefined();
    }
  });

  it("reads nothing of a body that is cut anywhere or goes on behind its end", () => {
    const text = JSON.stringify({ a: [{ b: 'x"\\' }], model: "m", usage: { c: [1] }, d: 12 });
    expect(read(text)).toBeDefined();
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end)), String(end)).toBeUndefined();
    for (const more of ["}", ",", "0", "{}", '"']) expect(read(text + more)).toBeUndefined();
  });

  it("takes a wanted value that is no JSON for none", () => {
    for (const value of ["NaN", "01", "tru", '"\n"', '"\\x"', "[1}", "[,]"]) {
      expect(read(`{"a":1,"model":${value}}`), value).toBeUndefined();
    }
  });

  it("gives what JSON.parse of the whole does, whatever the body", () => {
    fc.assert(
      fc.property(hostileObject, fc.constantFrom(undefined, 1, "\t"), (body, indent) => {
        const text = JSON.stringify(body, undefined, indent);
        const members = read(text);
        if (members !== undefined) expect(members).toEqual(picked(JSON.parse(text)));
        // Doubt is allowed only where a name has an escape, or there is none.
        const certain = Object.keys(body).every((name) => !JSON.stringify(name).includes("\\"));
        if (certain && Object.keys(body).length > 0) expect(members).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  it("throws at nothing, for any text", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hostilePiece, fc.constantFrom("{", '"usage":', "1", ",")), { maxLength: 20 }),
        (pieces) => {
          read(`{${pieces.join("")}`);
        },
      ),
    );
  });
});
