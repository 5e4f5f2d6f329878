import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { insertMember, replaceMember } from "./json-edit.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (body: Uint8Array): string => Buffer.from(body).toString();

describe("replaceMember", () => {
  it("changes the value and nothing else", () => {
    const body = '{ "messages": [{"model": "inner \\" }"}],\n\t"model" :  "fast" , "x": 1e3 }';
    expect(text(replaceMember(bytes(body), "model", "gpt-4.1"))).toBe(
      '{ "messages": [{"model": "inner \\" }"}],\n\t"model" :  "gpt-4.1" , "x": 1e3 }',
    );
  });

  it("changes duplicates too, however their keys are escaped", () => {
    expect(text(replaceMember(bytes('{"model":"a","\\u006dodel":"b"}'), "model", "c"))).toBe(
      '{"model":"c","\\u006dodel":"c"}',
    );
  });

  it("leaves a body without the member as it is", () => {
    const body = bytes('{"a":{"model":1}}');
    expect(replaceMember(body, "model", "x")).toBe(body);
  });

  it("agrees with parsing, changing and printing for every object", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.jsonValue(),
        fc.nat(4),
        (object, value, indent) => {
          fc.pre(!Object.hasOwn(object, "__proto__"));
          const whole = { ...object, model: "old", last: [object] };
          const edited = replaceMember(bytes(JSON.stringify(whole, null, indent)), "model", value);
          expect(JSON.parse(text(edited))).toEqual(JSON.parse(JSON.stringify({ ...whole, model: value })));
        },
      ),
    );
  });
});

describe("insertMember", () => {
  it("puts the member first and keeps the rest byte for byte", () => {
    expect(text(insertMember(bytes(' {"stream": true}'), "stream_options", { include_usage: true }))).toBe(
      ' {"stream_options":{"include_usage":true},"stream": true}',
    );
  });
});
