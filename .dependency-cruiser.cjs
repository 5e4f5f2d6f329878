/**
 * The direction of imports: a file imports from its own folder and from lower floors, never from above and
 * never from a sibling folder on its own floor. The floors are those of docs/architecture.md; a new folder
 * gets its place here first.
 */

const floors = [
  ["core"],
  ["config", "wire", "metrics"],
  ["usage", "prices"],
  ["store"],
  ["upstreams", "routing", "limits", "ledger", "alerts", "notify", "grafana"],
  ["gateway"],
  ["probes"], // their calls go through the gateway's own path
  ["http", "stack"],
  ["."], // the files in src/ itself: the composition root
  ["cli"],
];

/** Beside the floors: what each imports from, by floor, and nobody but the top two imports it. */
const beside = {
  sandbox: floors.slice(0, 3).flat(),
  sdk: floors
    .slice(
      0,
      floors.findIndex((names) => names.includes("http")),
    )
    .flat(),
};

/** What has to run without Node.js, for the meter library, and the files there that are the exceptions. */
const withoutNode = {
  in: "^src/(core/|wire/|metrics/|usage/|prices/|sdk/)",
  but: "^src/(metrics/process|usage/estimate[^/]*|prices/data)\\.ts$",
};

const tests = "\\.test\\.ts$";
const path = (names) => `^src/(${names.map((name) => (name === "." ? "[^/]+$" : `${name}/`)).join("|")})`;
const everything = [...floors.flat(), ...Object.keys(beside)];

const direction = everything.map((name) => {
  const floor = floors.findIndex((names) => names.includes(name));
  const below = beside[name] ?? floors.slice(0, floor).flat();
  const besides = floor >= floors.length - 2 ? ["sandbox", "sdk"] : [];
  return {
    name: `floor-of-${name === "." ? "root" : name}`,
    comment: `src/${name === "." ? "*.ts" : name} imports only from itself${below.length > 0 ? ` and from ${[...below, ...besides].join(", ")}` : ""}.`,
    severity: "error",
    from: { path: path([name]), pathNot: tests },
    to: { path: "^src/", pathNot: path([name, ...below, ...besides]) },
  };
});

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...direction,
    {
      name: "known-folder",
      comment:
        "Every file under src/ is in a folder that has a floor: give a new folder its place in this file.",
      severity: "error",
      from: { path: "^src/", pathNot: path(everything) },
      to: {},
    },
    {
      name: "no-circular",
      comment: "Files that import each other are one file, or one of them holds what belongs to a third.",
      severity: "error",
      from: { pathNot: tests },
      to: { circular: true },
    },
    {
      name: "without-node",
      comment: "The meter library runs this where there is no Node.js.",
      severity: "error",
      from: { path: withoutNode.in, pathNot: [tests, withoutNode.but] },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "page",
      comment:
        "The page in the browser knows of the program only the API's types, and brings two packages with it.",
      severity: "error",
      from: { path: "^dashboard/", pathNot: tests },
      to: { pathNot: ["^dashboard/", "^src/http/api\\.ts$", "node_modules/(preact|uplot)/"] },
    },
    {
      name: "page-stands-alone",
      comment: "The program serves the page as files, and imports nothing of it.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^dashboard/" },
    },
    {
      name: "product-only",
      comment: "The product imports nothing from tests, benchmarks or scripts.",
      severity: "error",
      from: { path: "^src/", pathNot: tests },
      to: { path: ["^(test|bench|scripts)/", tests] },
    },
    {
      name: "resolvable",
      comment: "The file or package does not exist; a package is to be in package.json.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "declared-packages",
      comment: "What the product imports is among package.json's `dependencies`.",
      severity: "error",
      from: { path: "^src/", pathNot: tests },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["node", "import", "types"] },
    skipAnalysisNotInRules: true,
  },
};
