/** What is wrong with a configuration: every problem at once, each with its place and what to do. */

export type Path = readonly (string | number)[];

/** Where something stands in the file. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Finds a setting in the file it came from; a setting that is not there is found at its parent. */
export type Locate = (path: Path, part?: "key" | "value") => Place | undefined;

export interface Problem extends Partial<Place> {
  /** The setting (`upstreams.backup.apiKey`), or the variable when it came from the environment. */
  readonly path: string;
  /** What is wrong. Never holds a value that could be a secret. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Thrown when a configuration is refused. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** A problem at a setting. */
export function problemAt(
  locate: Locate | undefined,
  path: Path,
  message: string,
  hint?: string,
  part?: "key" | "value",
): Problem {
  return {
    ...locate?.(path, part),
    path: formatPath(path),
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** `file:line:column: path: message`, and the hint on a line of its own. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, hint } = problem;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const text = [place, path, message].filter((part) => part !== "").join(": ");
  return hint === undefined ? text : `${text}\n    ${hint}`;
}

/** `["models", "gpt-4.1", "upstreams", 0]` → `models["gpt-4.1"].upstreams[0]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** By line, so that a file is mended from its top. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

/** The candidate that `word` was probably meant to be, if one is near enough; case, `-` and `_` do not count. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const plain = normalize(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length / 4)) + 1;
  for (const candidate of candidates) {
    const other = normalize(candidate);
    // `connectTimeout` means `connect`; a shorter word than that is contained in too many others.
    const contained = other.length >= 4 && (plain.startsWith(other) || plain.endsWith(other));
    const distance = contained ? 1 : editDistance(plain, other);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function normalize(word: string): string {
  return word
    .toLowerCase()
    .replace(/[-_\s]/g, "")
    .slice(0, 64);
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substituted);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
