/**
 * Reads YAML into plain data, keeping where everything stands. References to the environment are replaced
 * in texts only, after parsing. Messages never quote the file's text: it may hold secrets.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";
import type { Environment } from "./environment.ts";
import { interpolate } from "./interpolate.ts";
import { formatPath, type Locate, type Path, type Problem, problemAt } from "./problems.ts";

export interface YamlSource {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly locate: Locate;
  /** The text at this path came, in whole or part, from the environment. */
  isInterpolated(path: Path): boolean;
}

/** More than any sane configuration has; aliases of aliases multiply quickly. */
const MAX_NODES = 100_000;

const HINT = `Check indentation, quotes and brackets. Inside { } and [ ] a reference needs quotes: "\${NAME}".`;
/** Where the place of the error is rarely the place of the mistake. */
const NEEDS_HINT: ReadonlySet<string> = new Set(["BAD_INDENT", "MISSING_CHAR", "MULTILINE_IMPLICIT_KEY"]);

const SYNTAX: Readonly<Record<string, string>> = {
  BAD_ALIAS: "an alias (`*name`) is malformed; put the value in quotes if the `*` is meant literally",
  BAD_DQ_ESCAPE: "a double-quoted text holds an unknown escape; use single quotes or double the backslash",
  BAD_INDENT: "the indentation does not fit the lines before",
  BAD_SCALAR_START: "a text begins with a reserved character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a key is missing, or a value with a colon needs quotes",
  BLOCK_IN_FLOW: "an indented block stands inside { } or [ ]",
  MISSING_CHAR: "a closing quote, bracket, comma, colon or space is missing",
  MULTILINE_IMPLICIT_KEY: "a colon is missing after the key, or a quote or bracket is not closed",
  MULTIPLE_DOCS: "a second document (`---`) begins; the configuration is one document",
  TAB_AS_INDENT: "a tab is used for indentation; use spaces",
  TAG_RESOLVE_FAILED: "a tag (`!name`) is unknown; put the value in quotes if the `!` is meant literally",
};

/** Parses `text`; `file` is the name for problems. With syntax errors, `value` is undefined. */
export function readYaml(text: string, file: string, env: Environment): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ""), {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  const reader = new Reader(document, env, file, lines);
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    const message = SYNTAX[code];
    if (message !== undefined) reader.syntaxProblem(pos[0], message, NEEDS_HINT.has(code) ? HINT : undefined);
    // What cannot be told more exactly is mostly a consequence of what came before.
    else if (reader.problems.length === 0) reader.syntaxProblem(pos[0], "the YAML cannot be read here", HINT);
  }
  const value = reader.problems.length > 0 ? undefined : reader.read(document.contents, []);
  return {
    value,
    problems: reader.problems,
    locate: reader.locate,
    isInterpolated: (path) => reader.interpolated.has(JSON.stringify(path)),
  };
}

class Reader {
  readonly problems: Problem[] = [];
  readonly interpolated = new Set<string>();
  readonly #places = new Map<string, { key: number; value: number }>();
  readonly #document: Document;
  readonly #env: Environment;
  readonly #file: string;
  readonly #lines: LineCounter;
  #nodes = 0;

  constructor(document: Document, env: Environment, file: string, lines: LineCounter) {
    this.#document = document;
    this.#env = env;
    this.#file = file;
    this.#lines = lines;
  }

  readonly locate: Locate = (path, part = "value") => {
    for (let length = path.length; length > 0; length--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)));
      // A missing setting is reported at its parent's key, where the reader looks for it.
      if (place !== undefined) return this.#place(length === path.length ? place[part] : place.key);
    }
    return this.#place(0);
  };

  syntaxProblem(offset: number, message: string, hint?: string): void {
    const place = this.#place(offset);
    if (this.problems.some(({ line }) => line === place.line)) return;
    this.problems.push({ ...place, path: "", message, ...(hint === undefined ? {} : { hint }) });
  }

  read(node: unknown, path: Path): unknown {
    if (++this.#nodes === MAX_NODES) this.#problem(path, `the file holds more than ${MAX_NODES} values`);
    if (this.#nodes >= MAX_NODES) return undefined;
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined) this.#problem(path, "an alias (`*name`) has no anchor (`&name`) before it");
      return this.read(target, path);
    }
    if (isMap(node)) return this.#readMap(node.items, path);
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        this.#remember([...path, index], offsetOf(item), offsetOf(item));
        return this.read(item, [...path, index]);
      });
    }
    if (!isScalar(node)) return null;
    return typeof node.value === "string" ? this.#readText(node.value, path) : node.value;
  }

  #readMap(pairs: readonly Pair[], path: Path): Record<string, unknown> {
    const map: Record<string, unknown> = Object.create(null);
    for (const pair of pairs) {
      if (!isScalar(pair.key)) {
        this.#problem(path, "a key is not a plain text");
        continue;
      }
      const key = pair.key.source ?? String(pair.key.value);
      const inner = [...path, key];
      if (key === "__proto__") {
        // What checks the configuration would leave it out without a word.
        const message = "nothing can have this name";
        this.problems.push({ ...this.#place(offsetOf(pair.key)), path: formatPath(inner), message });
        continue;
      }
      if (key in map) {
        const first = this.locate(inner, "key")?.line;
        this.problems.push({
          ...this.#place(offsetOf(pair.key)),
          path: formatPath(inner),
          message: `the key is given twice, first on line ${first}`,
        });
        continue;
      }
      this.#remember(inner, offsetOf(pair.key), offsetOf(pair.value ?? pair.key));
      const value = this.read(pair.value, inner);
      // A reference with an empty outcome means "not set": `proxy: ${HTTP_PROXY:-}`.
      if (value === "" && this.interpolated.has(JSON.stringify(inner))) continue;
      map[key] = value;
    }
    return map;
  }

  #readText(source: string, path: Path): string {
    if (!source.includes("${")) return source;
    const { text, changed, errors } = interpolate(source, this.#env);
    if (changed) this.interpolated.add(JSON.stringify(path));
    for (const { message, hint } of errors) this.problems.push(problemAt(this.locate, path, message, hint));
    return text;
  }

  #problem(path: Path, message: string): void {
    this.problems.push(problemAt(this.locate, path, message));
  }

  #remember(path: Path, key: number, value: number): void {
    this.#places.set(JSON.stringify(path), { key, value });
  }

  #place(offset: number) {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
