/**
 * Who writes a segment, and whether that process is still alive. A process id alone does not tell: ids are given
 * out again, and every container has its own. On Linux the boot, the process-id namespace and the process's start
 * time make it certain; where they cannot be compared, a segment that its writer has not touched for a while
 * belongs to a dead one.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface WriterIdentity {
  /** Chosen by each writer anew; names its segments. */
  readonly writer: string;
  readonly pid: number;
  /** What process ids are comparable in: this host, boot and process-id namespace. */
  readonly scope: string;
  /** When the process started, in the kernel's unit; "" where that is not known. */
  readonly startedAt: string;
}

/** A writer touches its segment this often, even when there is nothing to write. */
export const HEARTBEAT_MS = 10_000;
/** A writer of another host or container that has not done so for this long is dead. */
export const STALE_MS = 120_000;

export function ownIdentity(writer: string): WriterIdentity {
  return { writer, pid: process.pid, scope: scopeOfProcesses(), startedAt: startTime(process.pid) ?? "" };
}

/** `unchangedMs` is for how long the segment has been seen neither written nor touched. */
export function isAlive(identity: WriterIdentity, unchangedMs: number): boolean {
  if (identity.scope !== scopeOfProcesses()) return unchangedMs < STALE_MS;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const startedAt = startTime(identity.pid);
  if (startedAt === undefined || identity.startedAt === "") return unchangedMs < STALE_MS;
  return startedAt === identity.startedAt;
}

let scope: string | undefined;

function scopeOfProcesses(): string {
  scope ??= [hostname(), readText("/proc/sys/kernel/random/boot_id"), readLink("/proc/self/ns/pid")].join(
    " ",
  );
  return scope;
}

/**
 * Field 22 of /proc/PID/stat (proc(5)): clock ticks from the boot to the process's start. Of one that has died and
 * that nobody has waited for yet it is "dead"; undefined where there is no /proc.
 */
function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? "dead" : fields[19];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
