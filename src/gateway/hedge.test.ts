/** When a second attempt is made. What becomes of the two is in test/e2e/hedging.test.ts. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type SocketPair, socketPair } from "../../test/helpers/socket-pair.ts";
import { soon } from "../../test/helpers/until.ts";
import { systemClock } from "../core/clock.ts";
import type { AnswerSink } from "../upstreams/exchange.ts";
import { type RaceParts, raced } from "./hedge.ts";
import { Paces } from "./paces.ts";
import type { Sent } from "./send.ts";

const LATE = 1_000;

let pair: SocketPair;
beforeEach(async () => {
  pair = await socketPair();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
  pair.close();
});

/** A call whose upstream is the far end of the sockets: any byte is its answer. Returns what became of it. */
function begin(): string[] {
  const events: string[] = [];
  const send = (_upstream: unknown, _request: unknown, sink: AnswerSink) => {
    pair.near.once("data", (bytes) => {
      sink.onHead(200, "OK", []);
      sink.onData(bytes);
    });
    return { resume() {}, abort() {} };
  };
  const beside = () => void events.push("a second attempt");
  const parts = {
    call: { gone: false, onHead: () => true, onData: () => events.push("answer") > 0 },
    request: {
      operation: { endpoint: "chat", billable: true },
      ...{ facts: { streaming: false }, head: { forward: [] }, parsed: { json: {} } },
    },
    attempts: { mayHedge: true, beside },
    settings: {},
    around: { clock: systemClock, paces: new Paces(systemClock), transport: { send } },
  } as unknown as RaceParts;
  const upstream = { name: "relay", hedge: { after: LATE } };
  raced({ place: { upstream, model: "m" } } as unknown as Sent, parts);
  return events;
}

it("is when there is no answer in time", async () => {
  const events = begin();
  vi.advanceTimersByTime(LATE);
  await soon(() => events, ["a second attempt"]);
});

it("is not when the answer came in time, but this process stood still and has not read it yet", async () => {
  const events = begin();
  // In one turn of the event loop, after which timers come before sockets.
  setImmediate(() => {
    pair.far.write("answer");
    vi.advanceTimersByTime(LATE);
  });
  await soon(() => events, ["answer"]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual(["answer"]);
});
