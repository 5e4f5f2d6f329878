/** CPU of recording one call in the metrics: the product's own code, without the gateway around it. */
import { join } from "node:path";
import { outputOf, progress, workFolder } from "../machine.mjs";
import { medians } from "../statistics.mjs";

const ROOT = new URL("../..", import.meta.url).pathname;
const LOOP = new URL("../recording-loop.mjs", import.meta.url).pathname;

/** The two modules from source, as plain JavaScript with what they import. */
async function bundled() {
  const folder = join(workFolder, "recording");
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    cwd: ROOT,
    input: { metrics: "src/metrics/metrics.ts", "traffic-metrics": "src/usage/traffic-metrics.ts" },
    platform: "node",
    tsconfig: false,
    logLevel: "silent",
  });
  await bundle.write({ dir: folder, format: "cjs", entryFileNames: "[name].js" });
  await bundle.close();
  return folder;
}

export const recording = {
  name: "recording",
  async run({ rounds }) {
    const folder = await bundled();
    const all = [];
    for (let round = 0; round < rounds; round++) {
      progress(`recording, round ${round + 1}/${rounds}`);
      all.push(JSON.parse(await outputOf(process.execPath, [LOOP, folder], { pinned: true })));
    }
    return { ...medians(all), rounds: all };
  },
  tables({ plain, streaming }) {
    return [
      {
        title: "Recording one call in all its metrics, CPU µs",
        columns: ["", "µs"],
        rows: [
          ["plain call", plain.toFixed(2)],
          ["streaming call", streaming.toFixed(2)],
        ],
      },
    ];
  },
  verdicts({ plain, streaming }) {
    return [{ what: "recording a call, CPU µs", value: Math.max(plain, streaming), target: 5, digits: 2 }];
  },
};
