import { describe, expect, test } from "vitest";
import { defaultConfig } from "./defaults.ts";
import { checkSafety, isLoopback, safetyProblems } from "./safety.ts";
import type { Config } from "./schema.ts";

const locate = () => undefined;
const at = (host: string, auth: Config["server"]["auth"], apps: Config["apps"] = []) => ({
  config: { ...defaultConfig, server: { ...defaultConfig.server, host, auth }, apps },
  locate,
});
const app = { name: "shop", keys: [`sha256:${"1".repeat(64)}`] };

test.each([
  "127.0.0.1",
  "127.8.8.8",
  "::1",
  "[::1]",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
  "localhost",
  "LOCALHOST",
])("%s is loopback", (host) => expect(isLoopback(host)).toBe(true));

test.each(["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "127.0.0.1.example.com", "1::1", "::2", "gateway", ""])(
  "%j is not loopback",
  (host) => expect(isLoopback(host)).toBe(false),
);

describe("a start", () => {
  test("on loopback needs no authentication", () => {
    expect(() => checkSafety(at("127.0.0.1", "none"))).not.toThrow();
  });

  test.each(["0.0.0.0", "::", "192.168.1.5"])(
    "on %s without authentication is refused with three ways out",
    (host) => {
      const [problem] = safetyProblems(at(host, "none"));
      expect(problem?.hint).toContain("auth: keys");
      expect(problem?.hint).toContain("auth: passthrough");
      expect(problem?.hint).toContain("127.0.0.1");
      expect(() => checkSafety(at(host, "none"))).toThrow(host);
    },
  );

  test("elsewhere is fine with passthrough, or with keys and an app", () => {
    expect(safetyProblems(at("0.0.0.0", "passthrough"))).toEqual([]);
    expect(safetyProblems(at("0.0.0.0", "keys", [app]))).toEqual([]);
  });

  test("with keys but no app is refused, on loopback too", () => {
    expect(safetyProblems(at("127.0.0.1", "keys"))).toHaveLength(1);
  });
});
