/** Two ends of a connection in the kernel alone: what one end has written can be read at the other at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

export interface SocketPair {
  readonly near: Socket;
  readonly far: Socket;
  close(): void;
}

export async function socketPair(): Promise<SocketPair> {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-sockets-"));
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
  const near = connect(join(folder, "socket"));
  await until(() => accepted.length, 1);
  server.close();
  const [far = near] = accepted;
  return {
    near,
    far,
    close() {
      near.destroy();
      far.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
