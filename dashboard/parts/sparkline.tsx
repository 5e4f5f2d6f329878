/** A small line without axes: the shape of the last minutes. Its figures are beside it, so it is not read aloud. */

interface SparklineProps {
  /** The newest last; null where there is none. */
  readonly values: readonly (number | null)[];
  /** A CSS colour. */
  readonly colour: string;
}

const WIDTH = 120;
const HEIGHT = 28;

export function Sparkline({ values, colour }: SparklineProps) {
  const largest = Math.max(...values.map((value) => value ?? 0));
  if (values.length < 2 || !(largest > 0))
    return <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden />;
  const x = (index: number) => (index / (values.length - 1)) * WIDTH;
  const y = (value: number) => HEIGHT - 2 - (value / largest) * (HEIGHT - 5);
  let line = "";
  let area = "";
  let start: number | undefined;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      start = undefined;
      continue;
    }
    const point = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    line += `${start === undefined ? "M" : "L"}${point}`;
    start ??= index;
    const ends = index === values.length - 1 || values[index + 1] === null;
    area += `${start === index ? `M${x(index).toFixed(1)} ${HEIGHT}L` : "L"}${point}`;
    if (ends) area += `L${x(index).toFixed(1)} ${HEIGHT}Z`;
  }
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden
      style={{ color: colour }}
    >
      <path d={area} class="spark-area" />
      <path d={line} class="spark-line" />
    </svg>
  );
}
