/**
 * A reporter whose last line is `N passed, N failed, N skipped`, plain and alone on its line, for CI to read. A test
 * that passed only when it was tried again is named above it: it is to be repaired, not to be forgotten.
 */
import type { SerializedError } from "vitest";
import type { TestModule } from "vitest/node";
import type { Reporter } from "vitest/reporters";

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let [passed, failed, skipped] = [0, unhandled.length, 0];
    const triedAgain: string[] = [];
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (test.diagnostic()?.flaky === true)
          triedAgain.push(`${module.relativeModuleId} > ${test.fullName}`);
        if (state === "passed") passed++;
        else if (state === "failed") failedHere++;
        else skipped++; // Skipped, or never run because the run was cut short.
      }
      // A file that cannot be loaded, or whose hooks fail, has no failed test but is a failure.
      failed += failedHere === 0 && module.state() === "failed" ? 1 : failedHere;
    }
    for (const name of triedAgain) process.stdout.write(`\npassed at the second try only: ${name}`);
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
