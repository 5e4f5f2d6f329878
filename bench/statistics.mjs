/** The few statistics the benchmarks use. */

export function median(values) {
  const sorted = values.filter((value) => value !== undefined && !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of each numeric field over a list of like objects. */
export function medians(rows) {
  const fields = Object.keys(rows[0] ?? {}).filter((field) => typeof rows[0][field] === "number");
  return Object.fromEntries(fields.map((field) => [field, median(rows.map((row) => row[field]))]));
}

/** Rounds of all contenders, each round in the reverse order of the one before, so that no one profits from its place. */
export async function alternating(contenders, rounds, measure) {
  const results = new Map(contenders.map((contender) => [contender.name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) results.get(contender.name).push(await measure(contender, round));
  }
  return results;
}
