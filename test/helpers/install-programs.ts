/**
 * Before all tests: installs the system programs that are missing, where this is Debian and we are root.
 * Elsewhere it does nothing, and the tests say what they miss.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findInPath, PROGRAMS } from "./system-program.ts";

/** Exit status of policy-rc.d for "do not start or stop services". */
const NO_SERVICES = 101;
const POLICY = "/usr/sbin/policy-rc.d";
const LOCK = "/tmp/bellwether-install-programs.lock";
const TIME_LIMIT_MS = 300_000;

export async function setup(): Promise<void> {
  const missing = Object.entries(PROGRAMS).filter(([program]) => findInPath(program) === undefined);
  if (missing.length > 0) await install([...new Set(missing.map(([, debianPackage]) => debianPackage))]);
}

/** Installs Debian packages without starting the services that are in them. A failure is only told. */
export async function install(packages: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0 || findInPath("apt-get") === undefined) return;
  process.stderr.write(`installing for the tests: ${packages.join(", ")}\n`);
  const script = `
    set -eu
    if [ ! -e ${POLICY} ]; then
      printf '#!/bin/sh\\nexit ${NO_SERVICES}\\n' > ${POLICY}
      chmod 755 ${POLICY}
      trap 'rm -f ${POLICY}' EXIT
    fi
    install() { apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"; }
    install "$@" || { apt-get update -q; install "$@"; }`;
  try {
    // The lock is for test runs at the same time; whoever waited finds everything installed.
    await promisify(execFile)("flock", [LOCK, "sh", "-c", script, "sh", ...packages], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      timeout: TIME_LIMIT_MS,
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    process.stderr.write(`could not be installed: ${stderr?.trim() || String(error)}\n`);
  }
}
