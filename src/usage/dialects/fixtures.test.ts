import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { AnswerMeter } from "../meter.ts";
import { dialects, recognise } from "./index.ts";

const root = join(import.meta.dirname, "../../../test/fixtures/wire");
const EXPECTED = ".expected.json";

interface Expected {
  readonly path: string;
  readonly [field: string]: unknown;
}

function read(path: string, wire: Uint8Array, contentType: string, pieceBytes: number): Expected {
  const operation = recognise("POST", path);
  if (operation === undefined) throw new Error(`${path} is not recognised`);
  const meter = new AnswerMeter({ operation, contentType, dropUsageChunk: false, now: () => 1 });
  for (let at = 0; at < wire.length; at += pieceBytes) meter.push(wire.subarray(at, at + pieceBytes));
  meter.finish();
  const { text, ...reading } = meter.reading;
  return { path, ...reading, text: meter.text.text };
}

describe("answers on the wire", () => {
  for (const dialect of dialects.map(({ name }) => name)) {
    const folder = join(root, dialect);
    const names = readdirSync(folder)
      .filter((file) => file.endsWith(EXPECTED))
      .map((file) => basename(file, EXPECTED));

    it.each(names)(`${dialect}: %s`, (name) => {
      const expected = JSON.parse(readFileSync(join(folder, name + EXPECTED), "utf8")) as Expected;
      const streams = readdirSync(folder).includes(`${name}.sse`);
      const wire = readFileSync(join(folder, `${name}.${streams ? "sse" : "json"}`));
      const contentType = streams ? "text/event-stream" : "application/json";
      expect(recognise("POST", expected.path)?.dialect.name).toBe(dialect);
      for (const pieceBytes of [wire.length, 1, 7]) {
        expect(read(expected.path, wire, contentType, pieceBytes)).toEqual(expected);
      }
    });
  }
});
