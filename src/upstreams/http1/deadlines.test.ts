/** Limits that pass while the process does not run. */
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type SocketPair, socketPair } from "../../../test/helpers/socket-pair.ts";
import { until } from "../../../test/helpers/until.ts";
import { Deadlines, NOWHERE, type Timed } from "./deadlines.ts";

const LIMIT_MS = 30;

const pairs: SocketPair[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close();
});

async function connection(): Promise<SocketPair> {
  const pair = await socketPair();
  pairs.push(pair);
  return pair;
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

  it("strikes what begins while the sockets are read, too", async () => {
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
