/** `kill -9` under load, at random moments: no call is lost, none is there twice, and the money is right. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { crashRounds, SteadyLoad } from "../helpers/crash-rounds.ts";

const program = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

it("has each call that the upstream saw exactly once, with sums equal to the upstream's books", async () => {
  const load = (url: string, round: number) => new SteadyLoad(url, round, 500);
  const report = await crashRounds({ program, rounds: 3, longestMs: 900, load });
  expect(report.mistakes).toEqual([]);
  expect(report.rows).toBe(report.seen + report.unseen);
  expect(report.costOfRows + report.costOfInterrupted).toBe(report.costInBooks);
  expect(report.interrupted).toBeGreaterThan(0);
  expect(report.rows).toBeGreaterThan(report.interrupted);
});
