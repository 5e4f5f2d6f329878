import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CallLog } from "../../src/gateway/call-log.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";

const body = (more: object = {}): string =>
  JSON.stringify({
    model: "gpt-4.1",
    messages: [{ role: "user", content: "Hello" }],
    max_tokens: 5,
    ...more,
  });

describe("a call through the gateway", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({}, { record: true });
  });
  afterAll(() => gateway.close());

  const post = (path: string, text: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(gateway.url + path, {
      method: "POST",
      body: text,
      headers: { "content-type": "application/json", ...headers },
    });

  it("answers as the upstream does, and counts tokens as the upstream does", async () => {
    const response = await post("/v1/chat/completions", body());
    const answer = (await response.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
    expect(response.status).toBe(200);
    const samples = await gateway.samples();
    expect(total(samples, "bellwether_input_tokens_total")).toBe(answer.usage.prompt_tokens);
    expect(total(samples, "bellwether_output_tokens_total")).toBe(answer.usage.completion_tokens);
    expect(total(samples, "bellwether_requests_total", { status: "200", model: "gpt-4.1" })).toBe(1);
  });

  it("asks for usage in a stream and keeps the extra chunk to itself", async () => {
    const before = total(await gateway.samples(), "bellwether_output_tokens_total");
    const text = await (await post("/v1/chat/completions", body({ stream: true }))).text();
    expect(text).not.toContain('"choices":[]');
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(total(await gateway.samples(), "bellwether_output_tokens_total")).toBe(before + 5);
  });

  it("leaves the extra chunk to a client that asked for it", async () => {
    const asked = body({ stream: true, stream_options: { include_usage: true } });
    const text = await (await post("/v1/chat/completions", asked)).text();
    expect(text).toContain('"choices":[]');
  });

  it("continues the client's trace: upstream gets its header as it is, and the record its id", async () => {
    const settled = vi.spyOn(CallLog.prototype, "settled");
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const trace = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: "vendor=1" };
    await (await post("/v1/chat/completions", body(), trace)).text();
    await gateway.quiet();
    expect(settled.mock.calls.map(([usage]) => usage.traceId)).toEqual([traceId]);
    settled.mockRestore();
    const sent = gateway.sandbox.requests.at(-1)?.rawHeaders ?? [];
    for (const [name, value] of Object.entries(trace)) expect(sent[sent.indexOf(name) + 1]).toBe(value);
  });

  it("is on the metrics page, compressed for whoever takes that", async () => {
    const ask = async (encoding: string): Promise<[string | null, boolean]> => {
      const page = await fetch(`${gateway.url}/metrics`, { headers: { "accept-encoding": encoding } });
      const text = await page.text();
      return [page.headers.get("content-encoding"), text.includes("bellwether_requests_total{")];
    };
    expect([await ask("gzip"), await ask("identity")]).toEqual([
      ["gzip", true],
      [null, true],
    ]);
  });

  it("refuses an unknown path in the shape of the API", async () => {
    const response = await post("/v2/chat", body());
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "unknown_path" } });
  });
});
