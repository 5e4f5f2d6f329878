import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedAnswer } from "./answer-head.ts";
import { AnswerParser } from "./answer-parser.ts";

/** What a parser told of the bytes it was given. */
class Told {
  readonly parser = new AnswerParser();
  readonly information: number[] = [];
  status = 0;
  statusText = "";
  headers: string[] = [];
  body = "";
  /** The bytes behind the answer. */
  left = 0;
  why: string | undefined;

  onInformation(status: number): void {
    this.information.push(status);
  }

  onHead(status: number, statusText: string, headers: string[]): boolean {
    Object.assign(this, { status, statusText, headers });
    return true;
  }

  onData(chunk: Buffer): boolean {
    expect(chunk.length).toBeGreaterThan(0);
    this.body += chunk.toString("latin1");
    return true;
  }
}

function read(pieces: readonly string[], method = "POST"): Told {
  const told = new Told();
  told.parser.begin(told, method);
  try {
    for (const piece of pieces) {
      const bytes = Buffer.from(piece, "latin1");
      told.left += bytes.length - told.parser.push(bytes);
    }
  } catch (error) {
    if (!(error instanceof MalformedAnswer)) throw error;
    told.why = error.message;
  }
  return told;
}

function outcome({ parser, ...told }: Told): unknown {
  const { done, trailers, endsWithConnection } = parser;
  // After a violation it does not matter what the parser thinks it is reading.
  return told.why === undefined ? { ...told, done, trailers, endsWithConnection } : told.why;
}

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length));
}

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const chunked = fc
  .tuple(fc.array(latin1.filter((part) => part.length > 0)), fc.constantFrom("", ";a=b", ";x"))
  .map(([parts, extension]) => ({
    body: parts.join(""),
    wire: `${parts.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`).join("")}0\r\n`,
  }));

describe("an answer", () => {
  it("is given up where informational answers take no end, and not where there are many", () => {
    const early = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    const most = Math.floor(65_536 / early.length);
    expect(read([early.repeat(most) + head])).toMatchObject({ status: 200, why: undefined });
    const endless = read([early.repeat(most), early.repeat(most)]);
    expect(endless.why).toBe("informational answers without end");
    expect(endless.information.length).toBeLessThan(2 * most);
  });

  it("may have as many informational answers as the one before on its connection", () => {
    const told = new Told();
    const early = "HTTP/1.1 102 Processing\r\n\r\n".repeat(1_500);
    for (let time = 0; time < 3; time++) {
      told.parser.begin(told, "POST");
      told.parser.push(Buffer.from(`${early}HTTP/1.1 204 No Content\r\n\r\n`));
    }
    expect(told.information).toHaveLength(4_500);
  });

  it("means the same wherever it was cut: sized", () => {
    fc.assert(
      fc.property(latin1, latin1, fc.array(fc.nat()), (body, behind, cuts) => {
        const head = `HTTP/1.1 200 Fine\r\nA: b\r\ncontent-length: ${body.length}\r\n\r\n`;
        const told = read(cutAt(head + body + behind, cuts));
        expect(outcome(told)).toEqual(outcome(read([head + body + behind])));
        expect(told).toMatchObject({ status: 200, statusText: "Fine", body, left: behind.length });
        expect(told.parser).toMatchObject({ done: true, keepAlive: true });
        expect(told.headers).toEqual(["A", "b", "content-length", `${body.length}`]);
      }),
    );
  });

  it("means the same wherever it was cut: chunked, with trailers", () => {
    fc.assert(
      fc.property(chunked, fc.array(fc.nat()), ({ body, wire }, cuts) => {
        const head = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n";
        const told = read(cutAt(`${head}${wire}x-sum:  1 \r\n\r\n`, cuts));
        expect(told).toMatchObject({ status: 200, body, left: 0, why: undefined, information: [103] });
        expect(told.parser).toMatchObject({ done: true, keepAlive: true, trailers: ["x-sum", "1"] });
      }),
    );
  });

  it("means the same wherever it was cut: any bytes behind a good beginning", () => {
    const beginnings = [
      "",
      "HTTP/1.1 ",
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    const signs = fc.string({
      unit: fc.constantFrom("\r", "\n", "\r\n", "0", "a", ":", ";", " ", "\0", "\xff"),
    });
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), signs, fc.array(fc.nat()), (beginning, rest, cuts) => {
        const whole = read([beginning + rest]);
        const cut = read(cutAt(beginning + rest, cuts));
        // The reason may differ: what is cut may be refused before the line is complete.
        expect(cut.why === undefined).toBe(whole.why === undefined);
        if (cut.why === undefined) expect(outcome(cut)).toEqual(outcome(whole));
      }),
    );
  });

  it("has no body for HEAD, 204 and 304, whatever its headers say", () => {
    const head = (status: string) => `HTTP/1.1 ${status}\r\ncontent-length: 5\r\n\r\n`;
    for (const told of [read([head("200 OK")], "HEAD"), read([head("204 None")]), read([head("304 Same")])]) {
      expect(told.parser).toMatchObject({ done: true, keepAlive: true });
      expect(told.body).toBe("");
    }
  });

  it("without a length ends with the connection", () => {
    const { parser, body } = read(["HTTP/1.1 200 OK\r\n\r\nabc", "def"]);
    expect(body).toBe("abcdef");
    expect(parser).toMatchObject({ done: false, endsWithConnection: true, keepAlive: false });
  });

  it("with a length or in chunks does not end with the connection", () => {
    for (const field of ["content-length: 5", "transfer-encoding: chunked"]) {
      expect(read([`HTTP/1.1 200 OK\r\n${field}\r\n\r\n1`]).parser.endsWithConnection).toBe(false);
    }
    expect(read(["HTTP/1.1 200"]).parser.endsWithConnection).toBe(false);
  });

  it.each([
    ["HTTP/1.1", "", true],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Connection: keep-alive\r\n", true],
    ["HTTP/1.1", "Connection: Close\r\n", false],
    ["HTTP/1.1", "Connection: x-this, close\r\n", false],
    ["HTTP/1.0", "Connection: close\r\nConnection: keep-alive\r\n", false],
    ["HTTP/1.1", "Connection: x-close\r\n", true],
  ])("of %s with %j keeps the connection: %s", (version, field, kept) => {
    const { parser } = read([`${version} 200 OK\r\n${field}content-length: 0\r\n\r\n`]);
    expect(parser).toMatchObject({ done: true, keepAlive: kept });
  });

  it("tells how long the server keeps an idle connection", () => {
    const head = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=7, max=100\r\ncontent-length: 0\r\n\r\n";
    expect(read([head]).parser.keepAliveFor).toBe(7_000);
  });

  it("needs no reason phrase, and keeps latin1 in it and in values", () => {
    expect(read(["HTTP/1.1 200\r\n\r\n"])).toMatchObject({ status: 200, statusText: "" });
    expect(read(["HTTP/1.1 200 \r\n\r\n"])).toMatchObject({ status: 200, statusText: "" });
    const told = read(["HTTP/1.1 200 \xe9\r\nA:\xfc\t\r\nB:\r\n\r\n"]);
    expect(told).toMatchObject({ statusText: "\xe9", headers: ["A", "\xfc", "B", ""] });
  });

  it("ignores 100 Continue", () => {
    const told = read(["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"]);
    expect(told).toMatchObject({ status: 200, information: [], why: undefined });
  });

  it("stops where it is told to, and goes on from there", () => {
    const told = new Told();
    const seen: string[] = [];
    told.onHead = () => false;
    told.onData = (chunk) => {
      seen.push(chunk.toString());
      return false;
    };
    told.parser.begin(told, "POST");
    const wire = Buffer.from(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    );
    let at = told.parser.push(wire);
    expect(seen).toEqual([]);
    at += told.parser.push(wire.subarray(at));
    expect(seen).toEqual(["ab"]);
    at += told.parser.push(wire.subarray(at));
    expect(seen).toEqual(["ab", "c"]);
    at += told.parser.push(wire.subarray(at));
    expect(told.parser.done).toBe(true);
    expect(at).toBe(wire.length);
  });
});

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

describe("refused is", () => {
  it.each([
    ["another protocol", "SSH-2.0-x\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status that is none", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a control character in the reason", "HTTP/1.1 200 a\0b\r\n\r\n"],
    ["a bare line feed", "HTTP/1.1 200 OK\nA: b\n\n"],
    ["a bare line feed between headers", `${OK}A: b\nC: d\r\n\r\n`],
    ["a bare carriage return in a value", `${OK}A: b\rc\r\n\r\n`],
    ["a null in a value", `${OK}A: b\0\r\n\r\n`],
    ["a folded line", `${OK}A: b\r\n c\r\n\r\n`],
    ["a blank before the colon", `${OK}A : b\r\n\r\n`],
    ["a line without a colon", `${OK}A\r\n\r\n`],
    ["a header without a name", `${OK}: b\r\n\r\n`],
    ["two lengths", `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n`],
    ["a list of lengths", `${OK}content-length: 1, 1\r\n\r\n`],
    ["a negative length", `${OK}content-length: -1\r\n\r\n`],
    ["an enormous length", `${OK}content-length: 99999999999999999999\r\n\r\n`],
    ["a length with chunks", `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`],
    ["a coding that is not chunked", `${OK}transfer-encoding: gzip, chunked\r\n\r\n`],
    ["chunks in chunks", `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`],
    ["a switch of protocols", "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
    ["a chunk without size", `${CHUNKED}\r\n`],
    ["a size that is not hexadecimal", `${CHUNKED}0x1\r\n`],
    ["a negative size", `${CHUNKED}-1\r\n`],
    ["an enormous size", `${CHUNKED}1000000000000\r\n`],
    ["a size that ends in a line feed", `${CHUNKED}1\na\r\n`],
    ["a line feed in an extension", `${CHUNKED}1;a\nb\r\n`],
    ["a chunk that is longer than it said", `${CHUNKED}1\r\nab\r\n`],
    ["an endless extension", `${CHUNKED}1;${"a".repeat(20_000)}`],
    ["a bad trailer", `${CHUNKED}0\r\nA b\r\n\r\n`],
    ["an endless head", `${OK}${"A: b\r\n".repeat(20_000)}`],
    ["an endless line", `${OK}A: ${"b".repeat(70_000)}`],
    ["endless trailers", `${CHUNKED}0\r\n${"A: b\r\n".repeat(20_000)}`],
  ])("%s", (_, wire) => {
    expect(read([wire]).why).toBeTypeOf("string");
    expect(read(wire.match(/.{1,1000}/gs) ?? []).why).toBeTypeOf("string");
  });
});
