import { describe, expect, it } from "vitest";
import { AnswerHead, RequestHead } from "./request-head.ts";

describe("AnswerHead", () => {
  it("reads rate limits that are numbers, and believes no others", () => {
    const head = new AnswerHead([
      ...["x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "-1"],
      ...["x-ratelimit-limit-tokens", "1e999", "x-ratelimit-remaining-tokens", "NaN"],
    ]);
    expect(head.rateLimits()).toEqual([{ resource: "requests", kind: "limit", value: 60 }]);
  });
});

describe("RequestHead", () => {
  it("forwards headers in order and spelling, duplicates included, without hop-by-hop ones", () => {
    const head = new RequestHead([
      ...["Host", "x", "X-B", "1", "x-a", "2", "Connection", "keep-alive, X-Secret", "X-B", "3"],
      ...["x-secret", "s", "Upgrade", "websocket", "Expect", "100-continue", "Content-Length", "3"],
    ]);
    expect(head.forward).toEqual(["X-B", "1", "x-a", "2", "X-B", "3"]);
  });

  it("keeps authentication apart and remembers the first of each", () => {
    const head = new RequestHead([
      "Authorization",
      "Bearer a",
      "authorization",
      "Bearer b",
      "X-Api-Key",
      "c",
    ]);
    expect(head.forward).toEqual([]);
    expect(head.auth).toEqual(["Authorization", "Bearer a", "authorization", "Bearer b", "X-Api-Key", "c"]);
    expect([head.authorization, head.xApiKey]).toEqual(["Bearer a", "c"]);
  });

  it.each(["Host", "Content-Length", "Transfer-Encoding"])("refuses a second %s", (name) => {
    expect(() => new RequestHead([name, "chunked", name.toUpperCase(), "chunked"])).toThrow(/occurs twice/);
  });

  it.each(["gzip, chunked", "identity", "chunked, chunked", "xchunked", ""])(
    "refuses the transfer coding `%s`, which could hide a body's end",
    (coding) => {
      expect(() => new RequestHead(["Transfer-Encoding", coding])).toThrow(/must be `chunked`/);
    },
  );

  it("refuses a transfer coding in HTTP/1.0, which has none", () => {
    expect(() => new RequestHead(["Transfer-Encoding", "chunked"], true)).toThrow(/HTTP\/1.0/);
    expect(() => new RequestHead(["Transfer-Encoding", "Chunked"], false)).not.toThrow();
  });

  it("is not confused by header names that are properties of objects", () => {
    expect(new RequestHead(["constructor", "1", "__proto__", "2"]).forward).toHaveLength(4);
  });
});

describe("AnswerHead", () => {
  it("passes an answer's headers on without those of its connection", () => {
    const head = new AnswerHead([
      ...["Content-Type", "Application/JSON", "Connection", "close, X-Hop", "x-hop", "1"],
      ...["Set-Cookie", "a", "Set-Cookie", "b", "Transfer-Encoding", "chunked", "X-Request-Id", "r1"],
    ]);
    expect(head.headers).toEqual([
      "Content-Type",
      "Application/JSON",
      "Set-Cookie",
      "a",
      "Set-Cookie",
      "b",
      "X-Request-Id",
      "r1",
    ]);
    expect(head.contentType).toBe("application/json");
    expect(head.requestId).toBe("r1");
  });
});
