import { describe, expect, it } from "vitest";
import type { Usage } from "../usage/usage.ts";
import { CallLog, callLine } from "./call-log.ts";

const usage: Usage = {
  id: "018f2b1e-0000-7000-8000-000000000000",
  startedAt: 0,
  app: "shop",
  team: "",
  probe: false,
  route: "",
  upstream: "relay",
  endpoint: "chat",
  modelRequested: 'evil"\n\u2028\ud800',
  modelSent: "gpt-4.1",
  modelLabel: "gpt-4.1",
  modelAnswered: "gpt-4.1-2025-04-14",
  streaming: true,
  method: "POST",
  path: "/v1/chat/completions",
  traceId: "",
  bytesIn: 10,
  bytesOut: 20,
  status: 200,
  errorType: undefined,
  errorCode: undefined,
  upstreamRequestId: "",
  serviceTier: "",
  quantities: { inputTokens: 1, outputTokens: 2 },
  source: "reported",
  billable: true,
  cost: 18_000_000n,
  listCost: undefined,
  durationMs: 12.345678,
  firstTokenMs: 1.5,
  firstByteMs: 1,
  sentMs: 0.5,
  overheadMs: 0.1,
  retries: 0,
};

describe("callLine", () => {
  it("is a line of JSON that holds what the call had, whatever a client put into it", () => {
    const line = callLine(usage, Date.UTC(2026, 0, 2));
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({
      level: "info",
      time: "2026-01-02T00:00:00.000Z",
      id: usage.id,
      app: "shop",
      upstream: "relay",
      endpoint: "chat",
      model: usage.modelRequested,
      sent: "gpt-4.1",
      answered: "gpt-4.1-2025-04-14",
      stream: true,
      status: 200,
      ms: 12.346,
      firstTokenMs: 1.5,
      overheadMs: 0.1,
      input: 1,
      output: 2,
      usage: "reported",
      usd: "0.000018",
      bytesIn: 10,
      bytesOut: 20,
      msg: "call",
    });
  });

  it("holds nothing that a terminal would obey", () => {
    const line = callLine({ ...usage, modelRequested: "\x1b[2J\x9b2J\x7f" }, 0);
    expect(line).toContain('"model":"\\u001b[2J\ufffd2J\ufffd"');
  });

  it("says that a call is unpriced rather than free", () => {
    expect(JSON.parse(callLine({ ...usage, cost: undefined }, 0))).toMatchObject({ usd: "unpriced" });
  });
});

describe("CallLog", () => {
  it("gives a logger without lines the same fields", () => {
    let seen: object = {};
    const ignore = (): void => undefined;
    const log = {
      info: (fields: object) => {
        seen = fields;
      },
      warn: ignore,
      error: ignore,
      debug: ignore,
    };
    new CallLog(log).settled(usage);
    const { level, time, msg, ...fields } = JSON.parse(callLine(usage, 0));
    expect([level, msg]).toEqual(["info", "call"]);
    expect(time).toBe("1970-01-01T00:00:00.000Z");
    expect(JSON.parse(JSON.stringify(seen))).toEqual(fields);
  });
});
