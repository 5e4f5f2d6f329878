/** Limits that pass while the process does not run. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../test/helpers/until.ts";
import { Deadlines, NOWHERE, type Timed } from "./deadlines.ts";

const LIMIT_MS = 30;

const cleanUps: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Two ends of a connection in the kernel alone: what one end writes can be read at the other at once. */
async function connection(): Promise<{ near: Socket; far: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-deadlines-"));
  const path = join(folder, "socket");
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const near = connect(path);
  await until(() => accepted.length, 1);
  const [far = near] = accepted;
  cleanUps.push(
    () => near.destroy(),
    () => far.destroy(),
    () => server.close(),
    () => rmSync(folder, { recursive: true, force: true }),
  );
  return { near, far };
}

/** Waits for the other end to say something, and notes what became of it. */
class Waiting implements Timed {
  place = NOWHERE;
  readonly events: string[] = [];
  readonly #limits: Deadlines;
  #heard = false;
  #limit = Number.POSITIVE_INFINITY;

  constructor(limits: Deadlines, socket: Socket) {
    this.#limits = limits;
    socket.on("data", () => {
      this.#heard = true;
      this.events.push("heard");
    });
  }

  begin(): void {
    const now = performance.now();
    this.#limit = now + LIMIT_MS;
    this.#limits.add(this, now);
  }

  deadline(): number {
    return this.#heard ? Number.POSITIVE_INFINITY : this.#limit;
  }

  checkLimits(): void {
    this.events.push("struck");
    this.#limits.delete(this);
  }
}

/** Keeps the process from doing anything until well past the limit. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * LIMIT_MS);
}

describe("a limit that passes while the process stands still", () => {
  /** In one turn of the event loop, after which timers come before sockets. */
  const inOneTurn = (act: () => void): void => void setImmediate(act);

  it("does not strike what has been answered meanwhile, and strikes what has not", async () => {
    const limits = new Deadlines();
    const [one, other] = [await connection(), await connection()];
    const answered = new Waiting(limits, one.near);
    const silent = new Waiting(limits, other.near);
    inOneTurn(() => {
      answered.begin();
      silent.begin();
      one.far.write("here");
      standStill();
    });
    await until(() => silent.events, ["struck"]);
    expect(answered.events).toEqual(["heard"]);
  });

  it("strikes in time what begins while the sockets are read", async () => {
    const limits = new Deadlines();
    const [one, other] = [await connection(), await connection()];
    const answered = new Waiting(limits, one.near);
    const next = new Waiting(limits, other.near);
    one.near.on("data", () => next.begin());
    inOneTurn(() => {
      answered.begin();
      one.far.write("here");
      standStill();
    });
    await until(() => next.events, ["struck"]);
    expect(answered.events).toEqual(["heard"]);
  });
});
