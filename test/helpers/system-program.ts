/**
 * Programs that tests use but npm cannot install. They are installed before the first test where that is
 * possible (see install-programs.ts). Elsewhere the tests that need one are skipped, except in CI, where a
 * missing program is a failure.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "vitest";

/** Each program and the Debian package it comes in. */
export const PROGRAMS = {
  bash: "bash",
  script: "bsdutils",
  promtool: "prometheus",
  prometheus: "prometheus",
  aiosmtpd: "python3-aiosmtpd",
  "redis-server": "redis-server",
  amtool: "prometheus-alertmanager",
  "prometheus-alertmanager": "prometheus-alertmanager",
  "clickhouse-server": "clickhouse-server",
  chromium: "chromium",
} as const;

export type SystemProgram = keyof typeof PROGRAMS;

/**
 * The program's path; undefined where it is missing, after saying how to get it.
 * @throws in CI, where it has to be there
 */
export function systemProgram(program: SystemProgram): string | undefined {
  const path = findInPath(program);
  if (path !== undefined) return path;
  const hint = `${program} is missing: install it, on Debian with \`apt-get install ${PROGRAMS[program]}\`.`;
  if (process.env.CI) throw new Error(hint);
  process.stderr.write(`${hint} The tests that need it are skipped.\n`);
  return undefined;
}

/** A `describe` that is skipped where the program is missing; the body is given its path. */
export function describeWithProgram(
  program: SystemProgram,
  name: string,
  body: (path: string) => void,
): void {
  const path = systemProgram(program);
  describe.skipIf(path === undefined)(name, () => body(path ?? program));
}

/** Where an executable of that name is, by PATH. */
export function findInPath(program: string): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
