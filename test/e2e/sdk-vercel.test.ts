/** The Vercel AI SDK gets through the gateway what it gets directly. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vercelErrors, vercelLeaving, vercelScenarios } from "../helpers/scenarios/vercel.ts";
import { startTwins, type Twins } from "../helpers/twins.ts";

let twins: Twins;
beforeAll(async () => {
  twins = await startTwins();
});
afterAll(() => twins.close());

describe("gets the same answers when it", () => {
  it.each(vercelScenarios)("$name", async ({ run }) => {
    expect(await twins.same(run)).not.toHaveProperty("thrown");
  });
});

describe("gets the same errors when it", () => {
  it.each(vercelErrors)("$name", async ({ run }) => {
    expect(await twins.same(run)).toHaveProperty("thrown");
  });
});

it(`${vercelLeaving.name}, and the sandbox sees it`, async () => {
  await twins.same(vercelLeaving.run);
  expect(twins.gateway.sandbox.books.total().aborted).toBe(1);
});
