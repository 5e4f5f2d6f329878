import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCatalogue } from "./errors.ts";
import { errorsDocument } from "./errors-document.ts";

const path = join(import.meta.dirname, "../../docs/errors.md");
if (process.env.UPDATE_DOCS === "1") writeFileSync(path, errorsDocument());
const document = readFileSync(path, "utf8");

describe("docs/errors.md", () => {
  it("is what the catalogue generates", () => {
    expect(document).toBe(errorsDocument());
  });

  it("has a row for every error, with its status, type and message", () => {
    for (const [code, { status, type, message }] of Object.entries(errorCatalogue)) {
      expect(document).toContain(`| \`${code}\` | ${status} | \`${type}\` | ${message} |\n`);
    }
  });

  it("names no error that does not exist", () => {
    const table = document.slice(document.indexOf("| code | HTTP status |"));
    const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    expect(named).toEqual(Object.keys(errorCatalogue));
  });
});
