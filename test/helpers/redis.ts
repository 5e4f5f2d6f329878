/** A real Redis server of the test's own, on a free port, which can be killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestRedis {
  readonly url: string;
  /** Starts it again after `kill`, on the same port, with what its append-only file kept. */
  start(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** `persistent`: false keeps nothing over `kill`. */
export async function startRedis(program: string, persistent = true): Promise<TestRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "bellwether-redis-"));
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const options = {
      port: String(port),
      bind: "127.0.0.1",
      dir: folder,
      save: "",
      appendonly: persistent ? "yes" : "no",
    };
    const flags = Object.entries({ ...options, appendfsync: "always" }).flatMap(([k, v]) => [`--${k}`, v]);
    server = spawn(program, flags, { stdio: "ignore" });
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries > 1_800) throw new Error("redis-server did not start");
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const kill = async (): Promise<void> => {
    const running = server;
    if (running === undefined) return;
    server = undefined;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString().startsWith("+PONG"));
    });
    socket.once("error", () => resolve(false));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
