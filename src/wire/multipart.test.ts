import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { formFields, replaceField } from "./multipart.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const TYPE = "multipart/form-data; boundary=B";

function read(body: string, contentType = TYPE): Record<string, string> {
  return Object.fromEntries(formFields(bytesOf(body), contentType));
}

const field = (name: string, value: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string, value: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n${value}\r\n`;

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("formFields", () => {
  it("reads text fields and steps over files", () => {
    const body = `${file("file", "bytes")}${field("model", "whisper-1")}${field("prompt", "Grüße\r\nan 中文")}--B--\r\n`;
    expect(read(body)).toEqual({ model: "whisper-1", prompt: "Grüße\r\nan 中文" });
  });

  it("reads what the platform's own encoder writes", async () => {
    const form = new FormData();
    form.set("model", "gpt-4o-transcribe");
    form.set("empty", "");
    form.set('a"b\r\n', "quoted");
    form.set("file", new Blob([new Uint8Array([13, 10, 45, 45, 0, 255])]), "x;filename=.wav");
    form.set("stream", "true");
    const request = new Response(form);
    const body = new Uint8Array(await request.arrayBuffer());
    expect([...formFields(body, request.headers.get("content-type") ?? "")]).toEqual([
      ["model", "gpt-4o-transcribe"],
      ["empty", ""],
      ['a"b\r\n', "quoted"],
      ["stream", "true"],
    ]);
  });

  it("takes the last of several fields with one name", () => {
    expect(read(`${field("model", "a")}${field("model", "b")}--B--`)).toEqual({ model: "b" });
  });

  it("understands quoted and unquoted boundaries among other parameters", () => {
    const body = `${field("model", "m")}--B--`;
    for (const type of [
      'multipart/form-data; boundary="B"',
      "Multipart/Form-Data;BOUNDARY=B; charset=utf-8",
      'multipart/form-data; charset="x"; boundary=B',
    ]) {
      expect(read(body, type)).toEqual({ model: "m" });
    }
    expect(
      read(
        "--a b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--a b--",
        'multipart/form-data; boundary="a b"',
      ),
    ).toEqual({ x: "1" });
  });

  it("takes the rest for the last part where the final boundary is missing", () => {
    expect(read(`${field("a", "1")}--B\r\nContent-Disposition: form-data; name="b"\r\n\r\n2`)).toEqual({
      a: "1",
      b: "2",
    });
  });

  it("takes the boundary amid other bytes for content", () => {
    const hostile = `x--B\r\n--Bx\r\n--B y\r\n--`;
    expect(read(`${file("file", hostile)}${field("note", hostile)}${field("model", "m")}--B--`)).toEqual({
      note: hostile,
      model: "m",
    });
  });

  it("reads bodies whose lines end in a bare newline, and ones with a preamble", () => {
    expect(read("preamble\n--B\ncontent-disposition: form-data; name=model\n\nm\n--B--\nepilogue")).toEqual({
      model: "m",
    });
  });

  it("does not take a name that contains the word filename for a file", () => {
    expect(read(`${field("a; filename=b", "1")}--B--`)).toEqual({ "a; filename=b": "1" });
    expect(
      read(`--B\r\nContent-Disposition: form-data; name="x"; filename*=UTF-8''y\r\n\r\n1\r\n--B--`),
    ).toEqual({});
  });

  it("leaves out fields that are too long, and reads at most 64", () => {
    expect(
      read(`${field("long", "x".repeat(64 * 1024 + 1))}${field("b", "y".repeat(64 * 1024))}--B--`),
    ).toEqual({
      b: "y".repeat(64 * 1024),
    });
    const many = Array.from({ length: 80 }, (_, index) => field(`f${index}`, "1")).join("");
    expect(Object.keys(read(many))).toHaveLength(64);
  });

  it("finds nothing without a boundary or a form", () => {
    expect(read(field("a", "1"), "multipart/form-data")).toEqual({});
    expect(read(field("a", "1"), "multipart/form-data; boundary=")).toEqual({});
    expect(read("", TYPE)).toEqual({});
    expect(read("--B\r\n\r\nno headers\r\n--B\r\nX: y\r\n\r\n1\r\n--B--")).toEqual({});
  });

  it("reads the same without Buffer", () => {
    const body = bytesOf(`${file("file", "--\r\n--C")}${field("model", "m")}--B--`);
    vi.stubGlobal("Buffer", undefined);
    expect([...formFields(body, TYPE)]).toEqual([["model", "m"]]);
  });

  it("returns every field of any well-formed form, whatever the bytes of its file", () => {
    const texts = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(texts, fc.uint8Array({ maxLength: 200 }), (values, binary) => {
        const head = bytesOf(`--B7f\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`);
        const rest = Object.entries(values)
          .map(
            ([name, value]) => `--B7f\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
          )
          .join("");
        const body = Buffer.concat([head, binary, bytesOf(`\r\n${rest}--B7f--\r\n`)]);
        expect(Object.fromEntries(formFields(body, "multipart/form-data; boundary=B7f"))).toEqual({
          ...values,
        });
      }),
    );
  });

  it("throws at nothing", () => {
    const piece = fc.constantFrom(
      "--B",
      "\r\n",
      "\n",
      "--",
      "Content-Disposition: form-data",
      ";name=",
      '"',
      "\\",
      "x",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.string(), (pieces, type) => {
        formFields(bytesOf(pieces.join("")), TYPE);
        formFields(bytesOf(pieces.join("")), `multipart/form-data; boundary=${type}`);
      }),
    );
  });
});

describe("replaceField", () => {
  const replaced = (body: string, value: string): string =>
    new TextDecoder().decode(replaceField(bytesOf(body), TYPE, "model", value));

  it("puts another value in the field's place and leaves every other byte", () => {
    const body = (model: string): string =>
      `${file("file", "--A\r\nmodel\r\n")}${field("model", model)}${field("prompt", "model")}--B--\r\n`;
    expect(replaced(body("ears"), "whisper-羊")).toBe(body("whisper-羊"));
    expect(replaced(body(""), "whisper-1")).toBe(body("whisper-1"));
  });

  it("replaces a field that occurs twice in both places, so that no reader finds the old value", () => {
    const body = (model: string): string => `${field("model", model)}${field("model", model)}--B--\r\n`;
    expect(replaced(body("ears"), "whisper-1")).toBe(body("whisper-1"));
  });

  it("leaves a form without the field, a file of that name, and what is no form", () => {
    for (const body of [`${field("prompt", "x")}--B--\r\n`, `${file("model", "x")}--B--\r\n`, "{}"]) {
      expect(replaced(body, "whisper-1")).toBe(body);
    }
  });
});
