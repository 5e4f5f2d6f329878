import { expect, it } from "vitest";
import { type KeyRest, KeyRings } from "./key-ring.ts";
import type { Upstream } from "./upstream.ts";

function ring(...apiKeys: string[]) {
  const clock = { now: 1_000, monotonic: () => clock.now };
  const rests: KeyRest[] = [];
  const rings = new KeyRings(clock, (rest) => rests.push(rest));
  const upstream = { name: "u", apiKey: apiKeys[0], apiKeys } as unknown as Upstream;
  const turn = (count: number) => Array.from({ length: count }, () => rings.next(upstream));
  return { clock, rests, rings, upstream, turn };
}

it("uses the keys in turn", () => {
  expect(ring("a", "b", "c").turn(5)).toEqual(["a", "b", "c", "a", "b"]);
});

it("lets a refused key rest for minutes, longer each time, and one at its limit as long as it asks", () => {
  const { clock, rests, rings, upstream, turn } = ring("a", "b");
  expect(rings.answered(upstream, "a", 401)).toBe(true);
  expect(turn(3)).toEqual(["b", "b", "b"]);
  expect(rings.answered(upstream, "b", 429, 2_000)).toBe(false);
  // Both rest: the one that is awake first.
  expect(turn(2)).toEqual(["b", "b"]);
  clock.now += 300_000;
  expect(new Set(turn(2))).toEqual(new Set(["a", "b"]));
  rings.answered(upstream, "a", 403);
  clock.now += 300_000;
  expect(turn(2)).toEqual(["b", "b"]);
  expect(rests.map(({ position, of, status, ms }) => [position, of, status, ms])).toEqual([
    [1, 2, 401, 300_000],
    [2, 2, 429, 2_000],
    [1, 2, 403, 600_000],
  ]);
  expect(JSON.stringify(rests)).not.toMatch(/"[ab]"/);
});

it("forgets a key's refusals when it works, and its rest when it is gone", () => {
  const { rings, upstream, turn, rests } = ring("a", "b");
  rings.answered(upstream, "a", 401);
  rings.answered(upstream, "a", 200);
  expect(new Set(turn(2))).toEqual(new Set(["a", "b"]));
  rings.answered(upstream, "a", 401);
  expect(rests.at(-1)?.ms).toBe(300_000);
  rings.retain([{ ...upstream, apiKeys: ["b", "c"] } as Upstream]);
  rings.retain([upstream]);
  expect(new Set(turn(2))).toEqual(new Set(["a", "b"]));
});

it("is not concerned with an upstream of one key, nor with other failures", () => {
  const { rings, upstream } = ring("a", "b");
  const single = { name: "s", apiKey: "only" } as Upstream;
  expect(rings.next(single)).toBe("only");
  expect(rings.answered(single, "only", 401)).toBe(false);
  expect(rings.answered(upstream, "a", 500)).toBe(false);
  expect(rings.next(upstream)).toBe("a");
});
