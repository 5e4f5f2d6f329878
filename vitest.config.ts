/**
 * Three suites: `unit`, beside the code; `gateway`, the whole program relaying for real clients over real sockets;
 * `system`, what stands around it: ledger, reports, probes, alerts, page, other programs.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/helpers/closing-line.ts";

const gateway = [
  "attempts",
  "books",
  "cardinality",
  "client-*",
  "first-call",
  "leaks",
  "limits",
  "malformed-*",
  "meter-records",
  "metrics-pages",
  "routing*",
  "sdk-*",
  "shutdown",
  "smuggling",
  "transparency*",
].map((name) => `test/e2e/${name}.test.ts`);

/** Tests beside the code that take long because another program is the judge; what it says depends on no Node.js version. */
const judged = [
  "src/alerts/prometheus-rules.test.ts",
  "src/stack/stack.test.ts",
  "src/store/drivers/clickhouse.test.ts",
];

const product = { globalSetup: ["test/helpers/build-product.ts"] };

export default defineConfig({
  test: {
    pool: "forks",
    // Tests wait more than they compute.
    maxWorkers: Math.max(2, availableParallelism()),
    globalSetup: ["test/helpers/install-programs.ts"],
    // Only against hanging for ever: a test waits for what it needs, and a busy machine may take long.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // CI's machine may lose its processors for seconds: one second try there, which the closing line tells of.
    retry: process.env.CI === undefined ? 0 : 1,
    expect: { poll: { timeout: 45_000 } },
    reporters: ["default", new ClosingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "dashboard/**/*.test.ts", "test/helpers/**/*.test.ts"],
          exclude: judged,
        },
      },
      { extends: true, test: { ...product, name: "gateway", include: gateway } },
      {
        extends: true,
        test: { ...product, name: "system", include: ["test/e2e/**/*.test.ts", ...judged], exclude: gateway },
      },
    ],
  },
});
