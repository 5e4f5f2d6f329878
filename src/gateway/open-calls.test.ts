import { describe, expect, it } from "vitest";
import { OpenCalls } from "./open-calls.ts";

describe("OpenCalls", () => {
  it("is done at once when there are none", async () => {
    const calls = new OpenCalls();
    calls.started();
    calls.settled();
    await calls.none(1_000_000);
  });

  it("waits for the last one", async () => {
    const calls = new OpenCalls();
    const seen: string[] = [];
    calls.started();
    calls.started();
    const none = calls.none(1_000_000).then(() => seen.push("none"));
    calls.settled();
    await new Promise(setImmediate);
    seen.push("one");
    calls.settled();
    await none;
    expect(seen).toEqual(["one", "none"]);
  });

  it("does not wait for ever", async () => {
    const calls = new OpenCalls();
    calls.started();
    await calls.none(1);
  });
});
