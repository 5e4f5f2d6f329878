import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Script } from "./echo.ts";
import { type Sandbox, startSandbox } from "./server.ts";
import { talk } from "./socket-client.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const base64 = (text: string) => Buffer.from(text).toString("base64");

const perform = (header: string, path = "/v1/echo", method = "GET") =>
  talk(
    sandbox.port,
    `${method} ${path} HTTP/1.1\r\nhost: s\r\nconnection: close\r\nx-sandbox-script: ${header}\r\n\r\n`,
  );
const play = (script: Script, path?: string, method?: string) =>
  perform(base64(JSON.stringify(script)), path, method);

it("answers exactly the head, the chunks and the trailers of the script", async () => {
  const { text, ended } = await play({
    status: 418,
    headers: [
      ["X-Odd", "one"],
      ["x-odd", "two \u00e9"],
    ],
    chunks: [base64("ab"), base64("\u0000\u0001c")],
    trailers: [["x-last", "yes"]],
  });
  expect(text).toBe(
    "HTTP/1.1 418 I'm a Teapot\r\nX-Odd: one\r\nx-odd: two \u00e9\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n3\r\n\u0000\u0001c\r\n0\r\nx-last: yes\r\n\r\n",
  );
  expect(ended).toBe("end");
});

it("plays on any path, without a key", async () => {
  const { text } = await play({ framing: "sized", chunks: [base64("hi")] }, "/v1/chat/completions", "POST");
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-length: 2\r\n[\s\S]*\r\n\r\nhi$/);
  expect(sandbox.books.total({ endpoint: "chat" }).completed).toBe(1);
});

it.each<[string, Script, RegExp, string]>([
  [
    "sized and short",
    { framing: "sized", end: "half", chunks: [base64("hi")] },
    /content-length: 5\r\n.*hi$/s,
    "end",
  ],
  ["chunked and open", { end: "half", chunks: [base64("hi")] }, /\r\n2\r\nhi\r\n$/, "end"],
  ["reset", { end: "reset", chunks: [base64("hi")] }, /\r\n2\r\nhi\r\n$/, "reset"],
  ["ended by the connection", { framing: "close", chunks: [base64("hi")] }, /close\r\n\r\nhi$/, "end"],
  ["bodiless", { status: 204, headers: [["x-a", "b"]] }, /^HTTP\/1\.1 204 No Content\r\nx-a: b\r\n/, "end"],
])("ends a body as scripted: %s", async (_name, script, expected, end) => {
  const { text, ended } = await play(script);
  expect(text).toMatch(expected);
  expect(ended).toBe(end);
});

it("pauses between chunks", async () => {
  const { parts } = await play({ pauseMs: 30, chunks: [base64("a"), base64("b"), base64("c")] });
  expect(parts.length).toBeGreaterThanOrEqual(3);
});

it("keeps scripts too long for a header", async () => {
  const chunk = Buffer.alloc(300_000, "x").toString("base64");
  const { text } = await perform(sandbox.script({ framing: "sized", chunks: [chunk] }));
  expect(text).toContain("content-length: 300000");
  expect(text.endsWith("x".repeat(300_000))).toBe(true);
});

describe("refusals and echoes", () => {
  it.each([
    ["@99", "must be base64 of a JSON object"],
    ["!!", "must be base64 of a JSON object"],
    [base64('{"status":99}'), "status must be 200 to 999"],
    [base64('{"headers":[["bad name","x"]]}'), "Header name must be a valid HTTP token"],
  ])("refuses the script %s", async (header, why) => {
    const { text } = await perform(header);
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(text).toContain(why);
  });

  it("answers a request's own body when there is no script", async () => {
    const body = Buffer.from([0, 255, 10, 13, 0xf0, 0x9f]);
    const response = await fetch(`${sandbox.url}/v1/echo`, {
      method: "POST",
      headers: { "content-type": "application/x-odd" },
      body,
    });
    expect(response.headers.get("content-type")).toBe("application/x-odd");
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
  });
});
