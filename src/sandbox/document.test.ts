/** docs/sandbox.md says what the tables say, and nothing else. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { knobTable, modelKnobs } from "./knobs.ts";
import { routes, routesOf } from "./routes.ts";

const document = readFileSync(new URL("../../docs/sandbox.md", import.meta.url), "utf8");

/** The rows of the table under a heading, without its head. */
function rowsUnder(heading: string): string[] {
  const section = document.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section.split("\n").filter((line) => line.startsWith("| `"));
}

it("lists every knob", () => {
  const rows = Object.entries(knobTable).map(
    ([name, knob]) => `| \`${name}\` | ${knob.form} | ${knob.help} |`,
  );
  expect(rowsUnder("Knobs")).toEqual(rows);
});

it("lists every model that sets knobs", () => {
  const rows = Object.entries(modelKnobs).map(([model, values]) => {
    const knobs = Object.entries(values).map(([name, value]) => `\`${name}=${String(value)}\``);
    return `| \`${model}\` | ${knobs.join(", ") || "none"} |`;
  });
  expect(rowsUnder("Models that set knobs")).toEqual(rows);
});

it("lists every path, and no other", () => {
  const served = rowsUnder("What it serves").flatMap((row) => {
    const named = [...(row.split(" | ")[0] ?? "").matchAll(/`(?:(GET|POST) )?([^`]+)`/g)];
    let last = "";
    return named.map(([, method, path = ""]) => {
      if (method === undefined) return `POST ${last.replace(/:\w+$/, path)}`;
      last = path;
      return `${method} ${path}`;
    });
  });
  const matched = served.map((entry) => {
    const [method = "", path = ""] = entry.split(" ");
    return routesOf(path.replace("{id}", "gpt-4.1")).find(({ route }) => route.method === method)?.route;
  });
  expect(served.filter((_, index) => matched[index] === undefined)).toEqual([]);
  expect(routes.filter((route) => !matched.includes(route))).toEqual([]);
});
