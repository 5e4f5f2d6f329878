/**
 * The Prometheus text format 0.0.4.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Family } from "../family.ts";
import { lines } from "./lines.ts";

export const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Writes families piece by piece; an empty piece is a good place to pause. */
export function text(families: Iterable<Family>): Generator<string> {
  return lines(families, ({ name, type, help }) => {
    const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type === "unknown" ? "untyped" : type}\n`;
  });
}
