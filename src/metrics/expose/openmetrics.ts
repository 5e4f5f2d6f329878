/**
 * OpenMetrics 1.0.0. A counter's family has no `_total`, its samples have. `_created` is left out: it is
 * optional, and doubles the series for nothing that Prometheus uses.
 * Source: https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
import type { Family } from "../family.ts";
import { lines } from "./lines.ts";

export const OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Writes families piece by piece, `# EOF` last; an empty piece is a good place to pause. */
export function* openmetrics(families: Iterable<Family>): Generator<string> {
  yield* lines(families, ({ name, type, help }) => {
    const family = type === "counter" ? name.replace(/_total$/, "") : name;
    const escaped = help.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `# HELP ${family} ${escaped}\n# TYPE ${family} ${type}\n`;
  });
  yield "# EOF\n";
}
