/** What waits in the system's own buffers of TCP connections: sent and not yet received, or received and not yet read. */
import { readFileSync } from "node:fs";

/** Where it can be told. */
export const TELLS_QUEUES = process.platform === "linux";

/** Bytes in the buffers, both ends and both ways, of connections on IPv4 from or to one of these ports. */
export function queuedInKernel(ports: readonly number[]): number {
  let sum = 0;
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n").slice(1)) {
    const match = /^ *\d+: \w+:(\w+) \w+:(\w+) \w\w (\w+):(\w+)/.exec(line);
    if (match === null) continue;
    const [local = 0, remote = 0, sending = 0, unread = 0] = match.slice(1).map((hex) => parseInt(hex, 16));
    if (ports.includes(local) || ports.includes(remote)) sum += sending + unread;
  }
  return sum;
}
