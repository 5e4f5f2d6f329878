/** Finds and loads the configuration: from a file, or else the defaults, to which the environment adds. */
import { X509Certificate } from "node:crypto";
import { access, constants, readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { defaultConfig } from "./defaults.ts";
import type { Environment } from "./environment.ts";
import { ConfigError, type Locate, type Path, type Problem, problemAt, sortProblems } from "./problems.ts";
import type { Config } from "./schema.ts";
import { FileText, Secret } from "./values.ts";

export interface LoadOptions {
  /** As given with --config; without it the working folder is searched. */
  readonly file?: string | undefined;
  readonly cwd: string;
  readonly env: Environment;
}

export interface Loaded {
  readonly config: Config;
  /** Absolute path; undefined when there is no file. */
  readonly file: string | undefined;
  /** All files that were read: that one, and those that it names (secrets, certificates, prices). Absolute paths. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  /** Finds a setting in the file; finds nothing when there is none. */
  readonly locate: Locate;
}

const FILE_NAMES = ["bellwether.yaml", "bellwether.yml"];
const SECRET_FILE = "file:";
const RELATIVE_HINT = "A relative path starts at the configuration file's folder.";

/**
 * Loads the configuration.
 * @throws ConfigError with every problem found.
 */
export async function loadConfig(options: LoadOptions): Promise<Loaded> {
  const { file, warnings } = await findFile(options);
  if (file === undefined)
    return { config: defaultConfig, file, files: [], warnings, locate: () => undefined };
  const shown = shownPath(file, options.cwd);
  const text = await readText(file, shown);
  const { parseConfig } = await import("./parse.ts");
  const { config, locate } = parseConfig(text, shown, options.env);
  const problems: Problem[] = [];
  const folder = dirname(file);
  const named = new Set<string>();
  const read = (await readFiles(config, [], { folder, locate, problems, named })) as Config;
  const files = await Promise.all(
    config.prices.files.map(async (name, index) => {
      const path = resolve(folder, name);
      await access(path, constants.R_OK).catch((error: unknown) => {
        const message = `the price file ${whyUnreadable(error)}`;
        problems.push(problemAt(locate, ["prices", "files", index], message, RELATIVE_HINT));
      });
      return path;
    }),
  );
  if (problems.length > 0) throw new ConfigError(sortProblems(problems));
  if (config.apps.length > 0 && config.server.auth !== "keys") {
    warnings.push(
      `${shown}: the keys of \`apps\` are not checked, because \`server.auth\` is ${config.server.auth}.`,
    );
  }
  return {
    config: { ...read, prices: { files } },
    file,
    files: [...new Set([file, ...named, ...files])],
    warnings,
    locate,
  };
}

async function findFile({
  file,
  cwd,
}: LoadOptions): Promise<{ file: string | undefined; warnings: string[] }> {
  if (file !== undefined) return { file: resolve(cwd, file), warnings: [] };
  const present = await Promise.all(
    FILE_NAMES.map((name) =>
      access(join(cwd, name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const found = FILE_NAMES.filter((_, index) => present[index]);
  const [first, second] = found;
  return {
    file: first === undefined ? undefined : join(cwd, first),
    warnings: second === undefined ? [] : [`Both ${first} and ${second} exist; ${second} is ignored.`],
  };
}

function shownPath(file: string, cwd: string): string {
  const inside = relative(cwd, file);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? file : inside;
}

async function readText(file: string, shown: string): Promise<string> {
  const fail = (message: string, hint?: string): never => {
    throw new ConfigError([{ file: shown, path: "", message, ...(hint === undefined ? {} : { hint }) }]);
  };
  const bytes = await readFile(file).catch((error: unknown) =>
    fail(`the configuration file ${whyUnreadable(error)}`, "Check the path given with --config."),
  );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail("the configuration file is not UTF-8", "Save it as UTF-8.");
  }
}

interface Reading {
  readonly folder: string;
  readonly locate: Locate;
  readonly problems: Problem[];
  /** Gets the path of every file that is read. */
  readonly named: Set<string>;
}

/** A copy in which every `file:` secret and every named file has been read. */
async function readFiles(value: unknown, path: Path, reading: Reading): Promise<unknown> {
  if (value instanceof Secret) return readSecret(value, path, reading);
  if (value instanceof FileText) return readCertificates(value, path, reading);
  if (Array.isArray(value)) {
    return Promise.all(value.map((item, index) => readFiles(item, [...path, index], reading)));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(
    async ([key, inner]) => [key, await readFiles(inner, [...path, key], reading)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function readSecret(secret: Secret, path: Path, reading: Reading): Promise<Secret> {
  const reference = secret.reveal();
  if (!reference.startsWith(SECRET_FILE)) return secret;
  const name = reference.slice(SECRET_FILE.length).replace(/^\/\/(?=\/)/, "");
  const text = await readNamed(name, "secret", path, reading);
  if (text === undefined) return secret;
  const trimmed = text.replace(/\r?\n$/, "");
  if (trimmed === "") reading.problems.push(problemAt(reading.locate, path, "the secret's file is empty"));
  return new Secret(trimmed);
}

async function readCertificates(file: FileText, path: Path, reading: Reading): Promise<FileText> {
  const text = await readNamed(file.path, "certificates'", path, reading);
  if (text === undefined) return file;
  try {
    new X509Certificate(text);
  } catch {
    reading.problems.push(
      problemAt(
        reading.locate,
        path,
        "the certificates' file holds no certificate",
        "It must be PEM, with `-----BEGIN CERTIFICATE-----`.",
      ),
    );
  }
  return new FileText(file.path, text);
}

async function readNamed(
  name: string,
  kind: string,
  path: Path,
  reading: Reading,
): Promise<string | undefined> {
  const file = resolve(reading.folder, name);
  reading.named.add(file);
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    reading.problems.push(
      problemAt(reading.locate, path, `the ${kind} file ${whyUnreadable(error)}`, RELATIVE_HINT),
    );
    return undefined;
  }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
  if (code === "EACCES" || code === "EPERM") return "may not be read by this user";
  if (code === "EISDIR") return "is a folder";
  return "cannot be read";
}
