/**
 * From a file's text to a configuration. Loads zod and yaml, and is itself loaded only when there is a
 * file: the two are most of the time that a start takes.
 */
import type { Environment } from "./environment.ts";
import { problemsOfIssue, valueAt } from "./issues.ts";
import { ConfigError, type Locate, type Path, sortProblems } from "./problems.ts";
import { referenceProblems } from "./references.ts";
import { type Config, configSchema } from "./schema.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

/**
 * Parses and checks `text`. `file` is the name that problems are reported under.
 * @throws ConfigError with every problem found.
 */
export function parseConfig(
  text: string,
  file: string,
  env: Environment,
): { config: Config; locate: Locate } {
  const source = readYaml(text, file, env);
  const { locate } = source;
  if (source.value === undefined) throw new ConfigError(sortProblems(source.problems));
  if (source.value === null) {
    throw new ConfigError([
      {
        ...locate([]),
        path: "",
        message: "the file holds no settings",
        hint: "Write some (see bellwether.example.yaml), or remove the file: every setting has a default.",
      },
    ]);
  }
  if (!isMap(source.value)) {
    throw new ConfigError([
      {
        ...locate([]),
        path: "",
        message: "the file must be a map of settings, as `server:` and `upstreams:`",
      },
    ]);
  }

  // A section whose settings are all commented out is as good as absent.
  const data = Object.fromEntries(Object.entries(source.value).filter(([, section]) => section !== null));
  let parsed = configSchema.safeParse(data);
  if (!parsed.success && convertInterpolated(data, parsed.error.issues, source)) {
    parsed = configSchema.safeParse(data);
  }
  if (!parsed.success) {
    // A text in which a reference failed is reported as that, not as the wrong kind of text.
    const reported = new Set(source.problems.map(({ path }) => path));
    const problems = parsed.error.issues
      .flatMap((issue) => problemsOfIssue(issue, data, source))
      .filter(({ path }) => !reported.has(path));
    throw new ConfigError(sortProblems([...source.problems, ...problems]));
  }
  const problems = [...source.problems, ...referenceProblems(parsed.data, locate)];
  if (problems.length > 0) throw new ConfigError(sortProblems(problems));
  return { config: parsed.data, locate };
}

/** A variable is always text. Where the schema wants a number or a boolean, it is read as one. */
function convertInterpolated(
  data: unknown,
  issues: readonly { code: string; path: readonly PropertyKey[]; expected?: string }[],
  source: YamlSource,
): boolean {
  let converted = false;
  for (const { code, path, expected } of issues) {
    const place = path as Path;
    const parent = valueAt(data, place.slice(0, -1));
    const key = place.at(-1);
    if (code !== "invalid_type" || key === undefined || !source.isInterpolated(place)) continue;
    const value = convert(String(valueAt(data, place)), expected);
    if (value === undefined) continue;
    (parent as Record<string | number, unknown>)[key] = value;
    converted = true;
  }
  return converted;
}

function convert(text: string, expected: string | undefined): number | boolean | undefined {
  if (expected === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  if (expected !== "number" && expected !== "int") return undefined;
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
