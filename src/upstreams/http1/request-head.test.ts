import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UpstreamRequest } from "../exchange.ts";
import { InvalidRequest, RequestHeads } from "./request-head.ts";

const HOST = "host: relay\r\n";
const requestHead = (request: UpstreamRequest, host: string): string => new RequestHeads(host).write(request);
const request = { method: "POST", path: "/v1/x?y=\xe9", headers: ["A", "b"], body: undefined };

describe("the head of a request", () => {
  it("has the caller's headers, and what belongs to the connection", () => {
    expect(requestHead({ ...request, body: Buffer.from("abc") }, HOST)).toBe(
      "POST /v1/x?y=\xe9 HTTP/1.1\r\nhost: relay\r\nconnection: keep-alive\r\nA: b\r\ncontent-length: 3\r\n\r\n",
    );
  });

  it("announces the lack of a body where one is expected", () => {
    expect(requestHead(request, HOST)).toContain("content-length: 0\r\n");
    expect(requestHead({ ...request, method: "GET" }, HOST)).not.toContain("content-length");
  });

  it("takes a configured host in place of the address", () => {
    const head = requestHead({ ...request, headers: ["Host", "other"] }, HOST);
    expect(head).toContain("Host: other\r\n");
    expect(head).not.toContain("relay");
  });

  it.each([
    { headers: ["A", "b\r\nC: d"] },
    { headers: ["A", "b\nC: d"] },
    { headers: ["A", "b\0"] },
    { headers: ["A", "\u{1f411}"] },
    { headers: ["A\r\nB", "c"] },
    { headers: ["A:", "c"] },
    { headers: ["", "c"] },
    { headers: ["Content-Length", "5"] },
    { headers: ["Transfer-Encoding", "chunked"] },
    { headers: ["Connection", "close"] },
    { headers: ["host", "a", "Host", "b"] },
    { path: "/a b" },
    { path: "/a\r\nB: c" },
    { path: "a" },
    { path: "/\u{1f411}" },
    { method: "GET /" },
    { method: "" },
  ])("refuses $headers $path $method", (part) => {
    expect(() => requestHead({ ...request, ...part }, HOST)).toThrow(InvalidRequest);
  });

  it("is the same whatever was written before it", () => {
    const pair = fc.constantFrom(
      ["A", "b"],
      ["A", "c"],
      ["a", "b"],
      ["Host", "other"],
      ["X", "y\n"],
      ["Date", "1"],
    );
    const headers = fc.array(pair, { maxLength: 4 }).map((pairs) => pairs.flat());
    const outcome = (write: () => string): string => {
      try {
        return write();
      } catch (error) {
        return String(error);
      }
    };
    fc.assert(
      fc.property(fc.array(headers, { maxLength: 6 }), (all) => {
        const heads = new RequestHeads(HOST);
        for (const each of all) {
          const next = { ...request, headers: each };
          expect(outcome(() => heads.write(next))).toBe(outcome(() => requestHead(next, HOST)));
        }
      }),
    );
  });
});
