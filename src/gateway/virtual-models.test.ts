import { expect, test } from "vitest";
import { ListAddition } from "./virtual-models.ts";

/** The body with an addition, when it comes in pieces of this size. */
function edited(body: string, size: number): string {
  const addition = new ListAddition('{"id":"auto"}');
  const bytes = Buffer.from(body);
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(addition.push(bytes.subarray(at, at + size)));
  const rest = addition.finish();
  if (rest !== undefined) out.push(rest);
  return Buffer.concat(out).toString();
}

test.each([
  ['{"object":"list","data":[{"id":"群"}]}', '{"object":"list","data":[{"id":"auto"},{"id":"群"}]}'],
  ['{ "data" : [\n ] , "x":1}', '{ "data" : [\n {"id":"auto"}] , "x":1}'],
  ['{"models": [ {"name":"a"}]}', '{"models": [ {"id":"auto"},{"name":"a"}]}'],
  ['{"error":{"message":"no"}}', '{"error":{"message":"no"}}'],
  ["", ""],
])("a list gets the addition at its beginning, however it is cut: %s", (body, expected) => {
  for (const size of [1, 2, 7, 1000]) expect(edited(body, size)).toBe(expected);
});

test("a long body without a list goes on as it is", () => {
  const body = `"${"x".repeat(200_000)}"`;
  expect(edited(body, 10_000)).toBe(body);
});
