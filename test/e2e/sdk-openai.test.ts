/** The official OpenAI client gets through the gateway what it gets directly. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  openaiChat,
  openaiErrors,
  openaiLeaving,
  openaiResponses,
  openaiRest,
} from "../helpers/scenarios/openai.ts";
import { openaiMedia } from "../helpers/scenarios/openai-media.ts";
import { startTwins, type Twins } from "../helpers/twins.ts";

let twins: Twins;
beforeAll(async () => {
  twins = await startTwins();
});
afterAll(() => twins.close());

describe("gets the same answers when it", () => {
  it.each([...openaiChat, ...openaiResponses, ...openaiRest, ...openaiMedia])("$name", async ({ run }) => {
    expect(await twins.same(run)).not.toHaveProperty("thrown");
  });
});

describe("gets the same errors when it", () => {
  it.each(openaiErrors)("$name", async ({ run }) => {
    expect(await twins.same(run)).toHaveProperty("thrown");
  });
});

describe("leaves the sandbox in the same state when it", () => {
  it.each(openaiLeaving)("$name", async ({ run }) => {
    await twins.same(run);
    expect(twins.gateway.sandbox.books.total().aborted).toBe(1);
  });
});
