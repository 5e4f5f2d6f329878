import { describe, expect, test } from "vitest";
import { formatPath, formatProblem, nearest } from "./problems.ts";

test("a path is written as one would write it in a program", () => {
  expect(formatPath(["upstreams", "a-b", "timeouts", "connect"])).toBe("upstreams.a-b.timeouts.connect");
  expect(formatPath(["apps", 0, "keys", 1])).toBe("apps[0].keys[1]");
  expect(formatPath(["models", "gpt-4.1", "alias"])).toBe('models["gpt-4.1"].alias');
});

test("a problem is written with its place, its path, and what to do on the next line", () => {
  const problem = { file: "x.yaml", line: 3, column: 5, path: "a.b", message: "is wrong" };
  expect(formatProblem(problem)).toBe("x.yaml:3:5: a.b: is wrong");
  expect(formatProblem({ path: "OPENAI_API_KEY", message: "is wrong", hint: "Mend it." })).toBe(
    "OPENAI_API_KEY: is wrong\n    Mend it.",
  );
});

describe("the nearest word", () => {
  const words = ["port", "host", "auth", "bodyLimit", "connect"];
  test.each([
    ["prot", "port"],
    ["Host", "host"],
    ["body_limit", "bodyLimit"],
    ["bodylimt", "bodyLimit"],
    ["connectTimeout", "connect"],
  ])("to %s is %s", (word, expected) => expect(nearest(word, words)).toBe(expected));

  test.each(["routes", "x", "timeouts"])("to %s is none", (word) =>
    expect(nearest(word, words)).toBeUndefined(),
  );
});
