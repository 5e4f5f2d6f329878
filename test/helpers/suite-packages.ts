/**
 * Packages of npm that one suite needs and that are too big for everybody to get: nobody gets them unasked. Tests
 * install them in CI, elsewhere when a variable asks for them.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));
const INSTALL_MS = 300_000;

interface Wanted {
  /** What messages call them. */
  readonly name: string;
  /** As `npm install` takes them, with exact versions: the folder they are in is named after them. */
  readonly packages: readonly string[];
  readonly megabytes: number;
  /** The variable that asks for them. */
  readonly variable: string;
}

export class SuitePackages {
  /** Where their `node_modules` is. */
  readonly home: string;
  readonly #of: Wanted;

  constructor(of: Wanted) {
    this.#of = of;
    this.home = join(CACHE, of.packages.join("+").replace(/[^\w.+-]/g, "_"));
  }

  /** Whether they are there, or are to be: says so where they are not. */
  get wanted(): boolean {
    const { name, megabytes, variable } = this.#of;
    if (existsSync(this.home) || process.env.CI || process.env[variable]) return true;
    process.stderr.write(
      `${name} is missing: ${variable}=1 installs it (${megabytes} MB). The tests that need it are skipped.\n`,
    );
    return false;
  }

  /** @throws when they cannot be installed */
  async install(): Promise<void> {
    if (existsSync(this.home)) return;
    const unfinished = `${this.home}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, "package.json"), '{"private":true}');
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    await promisify(execFile)("npm", ["install", ...flags, ...this.#of.packages], {
      cwd: unfinished,
      timeout: INSTALL_MS,
    });
    renameSync(unfinished, this.home);
  }
}
