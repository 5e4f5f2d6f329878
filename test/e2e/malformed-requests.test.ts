/** Clients that send nonsense, too slowly, or leave: a clear answer where one can be read, counted once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { counted } from "../helpers/counted.ts";
import { families, pathOf } from "../helpers/families.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { header, RawClient, request } from "../helpers/raw-client.ts";
import { standStill } from "../helpers/stand-still.ts";
import { until } from "../helpers/until.ts";

let gateway: TestGateway;
/** Does not wait long for a request: for those that never end. */
let impatient: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({}, { record: true });
  impatient = await startGateway({ server: { requestTimeout: "600ms" } });
});
afterAll(async () => {
  await gateway.close();
  await impatient.close();
});
beforeEach(() => gateway.sandbox.reset());

const JSON_TYPE = "Content-Type: application/json";
const chat = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }] });
const REJECTED = { errors: { rejected: 1 } };

describe.each(families)("a client of $name", (family) => {
  const model = { openai: "gpt-4.1", anthropic: "claude-sonnet-4.5", gemini: "gemini-2.5-flash" }[
    family.name
  ];
  const url = pathOf(family, model);

  it.each([
    ["has an expectation that cannot be met", ["Expect: 200-ok"], 417, "expectation_failed"],
    ["names two hosts", ["Host: other.test"], 400, "malformed_request"],
    ["sends headers without end", [`X-Long: ${"x".repeat(40_000)}`], 431, "headers_too_large"],
    ["sends a header that is none", ["no header"], 400, "malformed_request"],
  ] as const)("that %s is told so in the shape of its API", async (_, headers, status, code) => {
    const sums = await counted(gateway, async () => {
      const client = await RawClient.open(
        gateway.url,
        request("POST", url, headers, family.body(model, false)),
      );
      const answer = await client.answer();
      expect([answer.status, header(answer.headers, "content-type")]).toEqual([status, "application/json"]);
      expect(family.codeOf(JSON.parse(answer.body.toString()))).toBe(code);
      client.close();
    });
    expect(sums).toEqual({ requests: { [status]: 1 }, ...REJECTED });
    expect(gateway.sandbox.requests).toEqual([]);
  });

  it("that never finishes its body is told so in the shape of its API", async () => {
    const sums = await counted(impatient, async () => {
      const head = request("POST", url, [JSON_TYPE, "Content-Length: 100"]);
      const client = await RawClient.open(impatient.url, head, "{");
      const answer = await client.answer();
      expect(answer.status).toBe(408);
      expect(family.codeOf(JSON.parse(answer.body.toString()))).toBe("request_timeout");
      client.finish();
      await client.end();
    });
    expect(sums).toEqual({ requests: { 408: 1 }, ...REJECTED });
  });

  it("that breaks its chunks is told so in the shape of its API", async () => {
    const sums = await counted(gateway, async () => {
      const head = request("POST", url, [JSON_TYPE, "Transfer-Encoding: chunked"]);
      const client = await RawClient.open(gateway.url, head, "5\r\nhello\r\nzz\r\n");
      const answer = await client.answer();
      expect(answer.status).toBe(400);
      expect(family.codeOf(JSON.parse(answer.body.toString()))).toBe("malformed_request");
      client.close();
    });
    expect(sums).toEqual({ requests: { 400: 1 }, ...REJECTED });
  });
});

describe("a client that is slow with its head", () => {
  it("is told so, and the connection ends", async () => {
    const sums = await counted(impatient, async () => {
      const client = await RawClient.open(impatient.url, "GET /v1/models HTTP/1.1\r\nHost: x\r\nX-");
      const answer = await client.answer("GET");
      expect(answer.status).toBe(408);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: "request_timeout" } });
      client.finish();
      await client.end();
    });
    expect(sums).toEqual({ requests: { 408: 1 }, ...REJECTED });
  });

  it("is not one whose request has come, though the gateway stood still and read it too late", async () => {
    const head = request("POST", "/v1/chat/completions", [JSON_TYPE, `Content-Length: ${chat.length}`]);
    const statuses: number[] = [];
    // The machine itself may stand still between the two parts of a request: then it is late indeed.
    while (statuses.at(-1) !== 200 && statuses.length < 5) {
      const client = await RawClient.open(
        impatient.url,
        Buffer.concat([head, Buffer.from(chat.slice(0, 9))]),
      );
      const later = await RawClient.open(impatient.url, request("GET", "/readyz"));
      await later.answer("GET");
      client.post(chat.slice(9));
      standStill(900);
      statuses.push((await client.answer()).status);
      for (const each of [client, later]) each.close();
    }
    expect(statuses.at(-1)).toBe(200);
  });

  it("does not cost an idle connection its life", async () => {
    const client = await RawClient.open(impatient.url, request("GET", "/v1/models"));
    expect((await client.answer("GET")).status).toBe(200);
    // It has been idle for longer than one that began later took to be refused as slow.
    const slow = await RawClient.open(impatient.url, "GET /v1/models HTTP/1.1\r\n");
    expect((await slow.answer("GET")).status).toBe(408);
    slow.close();
    await client.send(request("GET", "/v1/models"));
    expect((await client.answer("GET")).status).toBe(200);
    client.close();
  });
});

describe("a client that leaves", () => {
  const gone = { requests: { 499: 1 }, errors: { client_gone: 1 } };

  it.each(["reset", "finish"] as const)("amid its body is counted as gone (%s)", async (how) => {
    const sums = await counted(gateway, async () => {
      const head = request("POST", "/v1/chat/completions", [JSON_TYPE, "Content-Length: 100"]);
      const before = total(await gateway.samples(), "bellwether_requests_total", { status: "499" });
      const client = await RawClient.open(gateway.url, head, "{");
      // It has been read when one that connected later has been answered.
      const later = await RawClient.open(gateway.url, request("GET", "/readyz"));
      await later.answer("GET");
      later.close();
      client[how]();
      await until(
        async () => total(await gateway.samples(), "bellwether_requests_total", { status: "499" }),
        before + 1,
      );
      client.close();
    });
    expect(sums).toEqual(gone);
    expect(gateway.sandbox.requests).toEqual([]);
  });

  it("before the answer takes the upstream's call with it", async () => {
    const sums = await counted(gateway, async () => {
      const bytes = request("POST", "/v1/chat/completions", ["X-Sandbox: hang=head", JSON_TYPE], chat);
      const client = await RawClient.open(gateway.url, bytes);
      await until(() => gateway.sandbox.books.inFlight, 1);
      client.reset();
      await gateway.quiet();
    });
    expect(sums).toEqual(gone);
  });

  it("amid a stream takes the upstream's call with it", async () => {
    const sums = await counted(gateway, async () => {
      const stream = JSON.stringify({ ...JSON.parse(chat), stream: true });
      const bytes = request("POST", "/v1/chat/completions", ["X-Sandbox: hang=stream; after=3"], stream);
      const client = await RawClient.open(gateway.url, bytes);
      await client.until((text) => text.includes("data: "));
      client.reset();
      await gateway.quiet();
    });
    expect(sums).toEqual(gone);
    expect(gateway.sandbox.books.total().aborted).toBe(1);
  });

  it("amid its head is nobody's call", async () => {
    const sums = await counted(gateway, async () => {
      const client = await RawClient.open(gateway.url, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n");
      client.finish();
      await client.end();
    });
    expect(sums).toEqual({ requests: {}, errors: {} });
  });
});

describe("Expect: 100-continue", () => {
  const head = (body: string, more: readonly string[] = []) =>
    request("POST", "/v1/chat/completions", [
      JSON_TYPE,
      "Expect: 100-continue",
      `Content-Length: ${body.length}`,
      ...more,
    ]);

  it("is answered before the body is sent, and not passed on", async () => {
    const client = await RawClient.open(gateway.url, head(chat));
    expect(await client.answer()).toMatchObject({ status: 100, headers: [] });
    await client.send(chat);
    expect((await client.answer()).status).toBe(200);
    client.close();
    expect(gateway.sandbox.requests.flatMap(({ rawHeaders }) => rawHeaders)).not.toContain("Expect");
  });

  it("is not answered to one who is refused, so that nothing is sent for nothing", async () => {
    const client = await RawClient.open(gateway.url, head(chat, ["Host: other.test"]));
    expect((await client.answer()).status).toBe(400);
    client.close();
  });
});

describe("requests without a body, and those that only ask", () => {
  it("HEAD has the headers of GET and no body", async () => {
    const client = await RawClient.open(gateway.url, request("HEAD", "/v1/models"));
    const answer = await client.answer("HEAD");
    expect([answer.status, Number(header(answer.headers, "content-length")) > 0]).toEqual([200, true]);
    await client.send(request("GET", "/v1/models"));
    expect((await client.answer("GET")).status).toBe(200);
    client.close();
    expect(gateway.sandbox.requests.map(({ method }) => method)).toEqual(["HEAD", "GET"]);
  });

  it("HEAD to what is not relayed has the error's headers and no body", async () => {
    const client = await RawClient.open(
      gateway.url,
      request("HEAD", "/v2/models"),
      request("GET", "/healthz"),
    );
    expect((await client.answer("HEAD")).status).toBe(404);
    expect((await client.answer("GET")).body.toString()).toBe("ok\n");
    client.close();
  });

  it("OPTIONS goes upstream while cross-origin requests are off", async () => {
    const preflight = ["Origin: https://app.example", "Access-Control-Request-Method: POST"];
    const client = await RawClient.open(gateway.url, request("OPTIONS", "/v1/chat/completions", preflight));
    const answer = await client.answer("OPTIONS");
    client.close();
    expect(gateway.sandbox.requests.map(({ method }) => method)).toEqual(["OPTIONS"]);
    expect(header(answer.headers, "access-control-allow-origin")).toBeUndefined();
  });
});

describe("several requests on one connection", () => {
  it("sent at once are answered in their order", async () => {
    const slow = request("POST", "/v1/chat/completions", ["X-Sandbox: latency=100", JSON_TYPE], chat);
    const client = await RawClient.open(gateway.url, Buffer.concat([slow, request("GET", "/v1/models")]));
    expect(JSON.parse((await client.answer()).body.toString())).toMatchObject({ object: "chat.completion" });
    expect(JSON.parse((await client.answer("GET")).body.toString())).toMatchObject({ object: "list" });
    client.close();
  });

  it("of which the first is refused: the others are answered none the less, if the refusal was clear", async () => {
    const client = await RawClient.open(
      gateway.url,
      request("GET", "/nowhere"),
      request("GET", "/v1/models"),
    );
    expect((await client.answer("GET")).status).toBe(404);
    expect((await client.answer("GET")).status).toBe(200);
    client.close();
  });
});

describe("a body that is not what it says", () => {
  it.each([
    ["half a JSON", '{"model":"gpt-4.1","messages":['],
    ["no JSON", "banana"],
    ["a JSON that is no object", "[1]"],
    ["binary", "\0\x01\x02\xff"],
    ["nothing", ""],
  ])("is the upstream's to judge: %s", async (_, body) => {
    const sums = await counted(gateway, async () => {
      const bytes = request("POST", "/v1/chat/completions", [JSON_TYPE], Buffer.from(body, "latin1"));
      const client = await RawClient.open(gateway.url, bytes);
      const answer = await client.answer();
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body.toString()).error.type).toBe("invalid_request_error");
      client.close();
    });
    expect(sums).toEqual({ requests: { 400: 1 }, errors: { bad_request: 1 } });
    expect(gateway.sandbox.requests[0]?.body.toString("latin1")).toBe(body);
  });
});
