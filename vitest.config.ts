/** Two suites: `unit`, beside the code, and `e2e`, the whole program with real clients and sockets. */
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/helpers/closing-line.ts";

export default defineConfig({
  test: {
    pool: "forks",
    globalSetup: ["test/helpers/install-programs.ts"],
    // Only against hanging for ever: a test waits for what it needs, and a busy machine may take long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", new ClosingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/helpers/**/*.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/helpers/build-product.ts"],
        },
      },
    ],
  },
});
