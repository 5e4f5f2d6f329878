/** Searches as they are written, and pages that go on where the last one ended. What databases answer: test/e2e/ledger-questions.test.ts. */
import { expect, it } from "vitest";
import { cursorAfter, parseCallSearch } from "./search.ts";

const NOW = Date.UTC(2026, 2, 13, 12);

it("asks for fifty calls of the last day unless told otherwise", () => {
  expect(parseCallSearch({}, NOW)).toMatchObject({
    limit: 50,
    after: undefined,
    query: { from: NOW - 86_400_000, to: NOW },
  });
  expect(parseCallSearch({ model: "gpt*", status: "5*", limit: "7" }, NOW)).toMatchObject({
    limit: 7,
    query: { where: { model: ["gpt*"], status: ["5*"] } },
  });
});

it("goes on after the call that a cursor names, whatever its id is", () => {
  for (const id of ["019cd5f8-7a80-7b3c-8f00-5b1c9a3e2d10", "req.1'; DROP TABLE calls", "é"]) {
    const cursor = cursorAfter({ startedAt: NOW, id });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(parseCallSearch({ cursor }, NOW).after).toEqual({ startedAt: NOW, id });
  }
});

it.each([
  [{ cursor: "nonsense" }, "Parameter cursor: it is none"],
  [{ cursor: "" }, "Parameter cursor: it is none"],
  [
    { cursor: Buffer.from(`${NOW}.${"x".repeat(300)}`).toString("base64url") },
    "Parameter cursor: it is none",
  ],
  [{ cursor: ["a", "b"] }, "Parameter cursor: is given more than once"],
  [{ limit: "501" }, "Parameter limit: a page has 500 calls at most"],
  [{ by: "model" }, "Parameter by: the report calls lists single calls"],
  [{ colour: "red" }, "Parameter colour: there is no such parameter"],
])("refuses %j", (parameters, message) => {
  expect(() => parseCallSearch(parameters, NOW)).toThrow(message);
});
