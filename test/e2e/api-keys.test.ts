/** Several keys of one upstream: they take turns, and one that is refused costs no client its answer. */
import { afterEach, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";

let gateway: TestGateway;
afterEach(() => gateway.close());

const GOOD = ["sk-good-key-1", "sk-good-key-2"];
const REVOKED = "sk-revoked-key-3";

async function start(...apiKeys: string[]): Promise<void> {
  gateway = await startGateway({ upstream: { apiKey: undefined, apiKeys } }, { keys: GOOD, record: true });
}

async function chat(stream = false): Promise<{ status: number; text: string }> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4.1", stream, messages: [{ role: "user", content: "Hello" }] }),
  });
  return { status: response.status, text: await response.text() };
}

/** The keys that the upstream was asked with, in order. */
const asked = (): string[] =>
  gateway.sandbox.requests.map(
    ({ rawHeaders }) => /sk-\S+/.exec(JSON.stringify(rawHeaders))?.[0].replace(/".*/, "") ?? "",
  );

it("take turns", async () => {
  await start(...GOOD);
  for (let n = 0; n < 4; n++) expect((await chat()).status).toBe(200);
  expect(asked()).toEqual([GOOD[0], GOOD[1], GOOD[0], GOOD[1]]);
});

it("one that is refused rests, and its call is repeated with the next, streamed or not", async () => {
  await start(REVOKED, ...GOOD);
  for (const stream of [true, false, true, false]) {
    const { status, text } = await chat(stream);
    expect(status).toBe(200);
    if (stream) expect(text).toContain("[DONE]");
  }
  expect(asked().filter((key) => key === REVOKED)).toHaveLength(1);
  await gateway.quiet();
  const samples = await gateway.samples();
  expect(total(samples, "bellwether_retries_total", { upstream: "relay", reason: "auth" })).toBe(1);
  expect(total(samples, "bellwether_requests_total", { status: "200" })).toBe(4);
  expect(total(samples, "bellwether_breaker_state", { upstream: "relay" })).toBe(0);
  expect(await gateway.page()).not.toContain("sk-");
});

it("when all are refused the client is told so, after each was tried once", async () => {
  await start("sk-revoked-key-4", "sk-revoked-key-5");
  expect((await chat()).status).toBe(401);
  expect(asked()).toHaveLength(2);
});
