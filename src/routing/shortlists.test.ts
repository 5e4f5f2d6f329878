import { expect, test } from "vitest";
import { openAiChat } from "../usage/dialects/openai-chat.ts";
import { RouteFacts } from "./facts.ts";
import { Shortlists } from "./shortlists.ts";

const operation = openAiChat.match("POST", "/v1/chat/completions");
if (operation === undefined) throw new Error("no operation");
const facts = new RouteFacts({
  ...{ operation, family: "openai", asked: "m", app: "shop", team: "", at: 0, headers: [], body: undefined },
  facts: { model: "m", streaming: false },
  parsed: { json: undefined, form: undefined },
});

const rule = (wants: string) => ({ models: { matches: (model: string) => model === wants }, conditions: [] });

test("however many models clients invent, and whatever their length, a few kinds are remembered", () => {
  const wanted = rule("m-7");
  const lists = new Shortlists([rule("other"), wanted]);
  let most = 0;
  for (let n = 0; n < 10_000; n++) {
    expect(lists.for(facts, `m-${n}`).map((each) => each.rule)).toEqual(n === 7 ? [wanted] : []);
    most = Math.max(most, lists.known);
  }
  expect(most).toBeGreaterThan(1_000);
  expect(most).toBeLessThan(5_000);
  const before = lists.known;
  for (let n = 0; n < 100; n++) lists.for(facts, `${n}`.repeat(10_000));
  expect(lists.known).toBe(before);
});
