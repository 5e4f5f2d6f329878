import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    gateway = await startGateway();
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

  it("refuses an unknown path in the shape of the API", async () => {
    const response = await post("/v2/chat", body());
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "unknown_path" } });
  });
});
