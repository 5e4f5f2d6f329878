/** CSV as RFC 4180 has it: written and read, line numbers kept. */

/** One line, with its end. */
export function csvLine(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",")}\r\n`;
}

export interface CsvRecord {
  /** Number of its first line, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
  /** As it stands in the file, without the line's end. */
  readonly text: string;
}

/** Reads records from pieces of text cut anywhere. A quoted field may hold line ends. */
export async function* csvRecords(pieces: AsyncIterable<string>): AsyncGenerator<CsvRecord> {
  let line = 1;
  let started = 1;
  let text = "";
  let quotes = 0;
  for await (const part of split(pieces)) {
    text = text === "" && quotes === 0 ? part : `${text}\n${part}`;
    quotes += part.split('"').length - 1;
    if (quotes % 2 === 0) {
      text = withoutReturn(text);
      if (text !== "") yield { line: started, fields: fieldsOf(text), text };
      text = "";
      quotes = 0;
      started = line + 1;
    }
    line++;
  }
  // A quote that is never closed makes the rest of the file one broken record.
  if (text !== "") yield { line: started, fields: fieldsOf(text), text };
}

/** Lines without their ends. */
export async function* lines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of split(pieces)) yield withoutReturn(line);
}

/** What stands between line feeds. */
async function* split(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  let first = true;
  for await (const piece of pieces) {
    const parts = (rest + (first ? piece.replace(/^\uFEFF/, "") : piece)).split("\n");
    first = false;
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function fieldsOf(text: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;
  for (;;) {
    const match = field.exec(text);
    if (match === null) return [...fields, text.slice(field.lastIndex)];
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return fields;
  }
}
