/** Both text formats, from families to text and back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Family, type FamilyType, LabelSet, type Sample } from "../family.ts";
import { openmetrics } from "./openmetrics.ts";
import { encoders, render } from "./render.ts";
import { text } from "./text.ts";

function family(
  name: string,
  type: FamilyType,
  samples: (Sample | undefined)[],
  bounds: number[] = [],
): Family {
  return { name, type, help: 'Says "what",\nand \\ more.', bounds, samples: () => samples };
}

const sample = (value: Sample["value"], labels: Record<string, string> = {}): Sample => ({
  labels: new LabelSet(Object.keys(labels), Object.values(labels)),
  value,
});

describe("the text format", () => {
  test("writes help, type and samples", () => {
    const page = [
      ...text([family("a_total", "counter", [sample(3, { x: "1" }), sample(0.5, { x: "2" })])]),
    ].join("");
    expect(page).toBe(
      '# HELP a_total Says "what",\\nand \\\\ more.\n# TYPE a_total counter\na_total{x="1"} 3\na_total{x="2"} 0.5\n',
    );
  });

  test("writes buckets cumulatively, with the labels before `le`", () => {
    const point = { counts: [1, 0, 2], sum: 7.25 };
    const page = [
      ...text([family("h", "histogram", [sample(point, { x: "1" }), sample(point)], [0.5, 10])]),
    ].join("");
    expect(page.split("\n").slice(2)).toEqual([
      'h_bucket{x="1",le="0.5"} 1',
      'h_bucket{x="1",le="10.0"} 1',
      'h_bucket{x="1",le="+Inf"} 3',
      'h_sum{x="1"} 7.25',
      'h_count{x="1"} 3',
      'h_bucket{le="0.5"} 1',
      'h_bucket{le="10.0"} 1',
      'h_bucket{le="+Inf"} 3',
      "h_sum 7.25",
      "h_count 3",
      "",
    ]);
  });

  test("calls a family without a known type untyped, and leaves out one without samples", () => {
    const page = [...text([family("none", "gauge", []), family("u", "unknown", [sample(1)])])].join("");
    expect(page).not.toContain("none");
    expect(page).toContain("# TYPE u untyped\n");
  });

  test.each([
    [1_234_500_000_000n, "1.2345"],
    [9_007_199_254_740_993_000_000_000_001n, "9007199254740993.000000000001"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [Number.NaN, "NaN"],
    [1e-7, "1e-7"],
  ])("writes %s as %s", (value, written) => {
    expect([...text([family("g", "gauge", [sample(value)])])].join("")).toContain(`\ng ${written}\n`);
  });
});

describe("OpenMetrics", () => {
  test("names a counter's family without `_total`, its samples with it, and ends in # EOF", () => {
    const page = [...openmetrics([family("a_total", "counter", [sample(1)])])].join("");
    expect(page).toBe('# HELP a Says \\"what\\",\\nand \\\\ more.\n# TYPE a counter\na_total 1\n# EOF\n');
  });

  test("keeps the name of a family of unknown type", () => {
    const page = [...openmetrics([family("cost_cents", "unknown", [sample(1)])])].join("");
    expect(page).toContain("# TYPE cost_cents unknown\ncost_cents 1\n");
  });
});

/** Reads the labels of a sample line as the format defines them. */
function readLabels(line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const unescaped: Record<string, string> = { n: "\n", '"': '"', "\\": "\\" };
  for (const [, name = "", value = ""] of line.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gs)) {
    labels[name] = value.replace(/\\(.)/g, (_, character: string) => unescaped[character] ?? character);
  }
  return labels;
}

test("any label values come back from the text as they were, one line for each sample", () => {
  const awkward = fc.string({ unit: fc.constantFrom(",", ":", '"', "\n", "\\", "}", " ", "n") });
  const value = fc.oneof(awkward, fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1 }), (pairs) => {
      const samples = pairs.map(([x, y]) => sample(1, { x, y }));
      const lines = [...text([family("a", "gauge", samples)])].join("").split("\n").slice(2, -1);
      expect(lines.map(readLabels)).toEqual(pairs.map(([x, y]) => ({ x, y })));
    }),
  );
});

test("buckets never fall from one bound to the next, and the last equals the count", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }), fc.nat(), (counts, sum) => {
      const page = [...text([family("h", "histogram", [sample({ counts, sum })], [1, 2, 3])])].join("");
      const values = page
        .split("\n")
        .flatMap((line) => (line.startsWith("h_bucket") ? Number(line.split(" ")[1]) : []));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
      expect(values).toHaveLength(4);
      expect(page).toContain(`\nh_count ${values.at(-1)}\n`);
    }),
  );
});

describe("rendering", () => {
  const many = (count: number): Family =>
    family(
      "h",
      "histogram",
      Array.from({ length: count }, (_, i) =>
        i % 3 === 2 ? undefined : sample({ counts: [i, 1], sum: i }, { i: `${i}` }),
      ),
      [1],
    );

  test("yields exactly what the encoder writes, in chunks", async () => {
    for (const format of ["text", "openmetrics"] as const) {
      const chunks: string[] = [];
      for await (const chunk of render([many(5000)], format)) chunks.push(chunk);
      expect(chunks.length).toBeGreaterThan(1);
      expect(chunks.join("")).toBe([...encoders[format].encode([many(5000)])].join(""));
    }
  });

  test("lets other work run while it goes on", async () => {
    let turns = 0;
    let done = false;
    const work = () => {
      turns++;
      if (!done) setImmediate(work);
    };
    setImmediate(work);
    for await (const _ of render([many(100_000)], "text"));
    done = true;
    expect(turns).toBeGreaterThan(2);
  });
});
