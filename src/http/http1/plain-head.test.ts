import { describe, expect, it } from "vitest";
import { parsePlainHead } from "./plain-head.ts";

const POST = "POST /v1/x HTTP/1.1\r\n";

describe("a plain head", () => {
  it("is read as it is: names and values in order, latin1, without the blanks around values", () => {
    expect(parsePlainHead(`${POST}Host:a\r\nX-A: \t b c\xe9 \t\r\nx-a:\r\nContent-Length: 12\r\n`)).toEqual({
      method: "POST",
      target: "/v1/x",
      rawHeaders: ["Host", "a", "X-A", "b c\xe9", "x-a", "", "Content-Length", "12"],
      contentLength: 12,
      keepAlive: true,
    });
  });

  it("may have no header at all, and no length means no body", () => {
    expect(parsePlainHead("GET /v HTTP/1.1\r\n")).toMatchObject({ rawHeaders: [], contentLength: 0 });
  });

  it.each([
    ["close", false],
    ["Close", false],
    ["x-this, close", false],
    ["keep-alive", true],
    ["x-close", true],
  ])("with Connection: %s keeps the connection: %s", (value, kept) => {
    expect(parsePlainHead(`${POST}Connection: ${value}\r\n`)?.keepAlive).toBe(kept);
  });
});

describe("not plain is", () => {
  it.each([
    "POST /v1/x HTTP/1.0\r\n",
    "POST /v1/x HTTP/1.2\r\n",
    "POST /v1/x HTTP/2.0\r\n",
    "POST /v1/x\r\n",
    "POST  /v1/x HTTP/1.1\r\n",
    "POST /v1/x  HTTP/1.1\r\n",
    " POST /v1/x HTTP/1.1\r\n",
    "\r\nPOST /v1/x HTTP/1.1\r\n",
    "POST /v1/x HTTP/1.1 \r\n",
    "POST /v1/\xe9 HTTP/1.1\r\n",
    "POST /v1/\x01 HTTP/1.1\r\n",
    "POST /v1/\x7f HTTP/1.1\r\n",
    "POST /metrics HTTP/1.1\r\n",
    "POST http://x/v1 HTTP/1.1\r\n",
    "post /v1/x HTTP/1.1\r\n",
    "OPTIONS /v1/x HTTP/1.1\r\n",
    "CONNECT /v1/x HTTP/1.1\r\n",
    "POST /v1/x HTTP/1.1\n",
    `${POST}A: b\nC: d\r\n`,
    `${POST}A: b\rC: d\r\n`,
    `${POST}A: b\0\r\n`,
    `${POST}A: b\x7f\r\n`,
    `${POST}A : b\r\n`,
    `${POST} A: b\r\n`,
    `${POST}A: b\r\n c\r\n`,
    `${POST}A: b\r\n c: d\r\n`,
    `${POST}A\r\n`,
    `${POST}A\r\nB: c\r\n`,
    `${POST}: b\r\n`,
    `${POST}Host: a\r\nhost: a\r\n`,
    `${POST}Content-Length: 1\r\nContent-Length: 1\r\n`,
    `${POST}Content-Length: +1\r\n`,
    `${POST}Content-Length: 01\r\n`,
    `${POST}Content-Length: 1, 1\r\n`,
    `${POST}Content-Length:\r\n`,
    `${POST}Content-Length: 9999999999999999\r\n`,
    `${POST}Transfer-Encoding: chunked\r\n`,
    `${POST}Transfer-Encoding:\r\n`,
    `${POST}Expect: 100-continue\r\n`,
    `${POST}Upgrade: h2c\r\n`,
  ])("%j", (text) => {
    expect(parsePlainHead(text)).toBeUndefined();
  });
});
