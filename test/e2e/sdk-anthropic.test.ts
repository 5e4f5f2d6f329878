/** The official Anthropic client gets through the gateway what it gets directly. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anthropicErrors, anthropicLeaving, anthropicMessages } from "../helpers/scenarios/anthropic.ts";
import { startTwins, type Twins } from "../helpers/twins.ts";

let twins: Twins;
beforeAll(async () => {
  twins = await startTwins();
});
afterAll(() => twins.close());

describe("gets the same answers when it", () => {
  it.each(anthropicMessages)("$name", async ({ run }) => {
    expect(await twins.same(run)).not.toHaveProperty("thrown");
  });
});

describe("gets the same errors when it", () => {
  it.each(anthropicErrors)("$name", async ({ run }) => {
    expect(await twins.same(run)).toHaveProperty("thrown");
  });
});

it(`${anthropicLeaving.name}, and the sandbox sees it`, async () => {
  await twins.same(anthropicLeaving.run);
  expect(twins.gateway.sandbox.books.total().aborted).toBe(1);
});
