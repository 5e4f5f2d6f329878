/** What a demo says while it runs, and in the end. */
import { styler } from "../style.ts";
import type { Phase } from "./day.ts";
import { median, type Tally } from "./traffic.ts";

interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Moment {
  readonly elapsedMs: number;
  /** Of the day that is shown, 0 to 24. */
  readonly hour: number;
  readonly phase: Phase;
  readonly tallies: readonly Tally[];
  readonly underWay: number;
}

const PHASES: Readonly<Record<Phase, string>> = {
  well: "",
  slow: "an upstream has become slow",
  failing: "the upstream fails",
  recovering: "the upstream recovers",
};

/** One line that is written over on a terminal; elsewhere one line for each change. */
export class Progress {
  readonly #to: Terminal;
  readonly #paint: ReturnType<typeof styler>;
  #phase: Phase = "well";

  constructor(to: Terminal) {
    this.#to = to;
    this.#paint = styler(to);
  }

  show(moment: Moment): void {
    const { phase } = moment;
    const news = phase !== this.#phase;
    const before = this.#phase;
    this.#phase = phase;
    if (this.#to.isTTY === true) {
      this.#to.write(`\r\x1b[K${this.#line(moment)}`);
    } else if (news) {
      const text = PHASES[phase] || `the upstream is well again (it was ${before})`;
      this.#to.write(`${clock(moment.hour)} ${text}\n`);
    }
  }

  /** Ends the line. */
  end(): void {
    if (this.#to.isTTY === true) this.#to.write("\r\x1b[K");
  }

  #line({ elapsedMs, hour, phase, tallies, underWay }: Moment): string {
    const { calls, failed } = sums(tallies);
    const parts = [
      `day ${clock(hour)}`,
      `${calls} calls`,
      `${(calls / Math.max(1, elapsedMs / 1_000)).toFixed(1)}/s`,
      `${underWay} under way`,
      failed === 0 ? "none failed" : this.#paint("yellow", `${failed} failed`),
      ...(phase === "well" ? [] : [this.#paint("red", PHASES[phase])]),
      this.#paint("dim", "Ctrl-C ends it"),
    ];
    return parts.join("  ");
  }
}

export function sums(tallies: readonly Tally[]): { calls: number; failed: number; left: number } {
  const sum = (of: "calls" | "failed" | "left") => tallies.reduce((all, tally) => all + tally[of], 0);
  return { calls: sum("calls"), failed: sum("failed"), left: sum("left") };
}

/** A table for people. */
export function summaryText(tallies: readonly Tally[]): string {
  const rows = [...tallies]
    .sort((a, b) => b.calls - a.calls)
    .map(({ app, model, endpoint, calls, failed, left, durations }) => {
      const typical = median(durations);
      return [
        app.padEnd(12),
        model.padEnd(24),
        endpoint.padEnd(12),
        String(calls).padStart(6),
        String(failed).padStart(7),
        String(left).padStart(5),
        (typical === undefined ? "" : `${Math.round(typical)} ms`).padStart(10),
      ].join(" ");
    });
  const head = `${"app".padEnd(12)} ${"model".padEnd(24)} ${"endpoint".padEnd(12)} ${"calls".padStart(6)} ${"failed".padStart(7)} ${"left".padStart(5)} ${"typical".padStart(10)}`;
  const { calls, failed, left } = sums(tallies);
  return `${[head, ...rows].join("\n")}\n${calls} calls, ${failed} failed, ${left} left by their client\n`;
}

/** 10.5 → `10:30`. */
function clock(hour: number): string {
  const minutes = Math.floor(hour * 60);
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
