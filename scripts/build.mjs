// @ts-check
/**
 * Builds dist/: one bundle for the command, one for each worker thread, the meter library, the page in the browser,
 * and the licences of what is in them.
 *
 * A bundle because it starts in half the time of some 400 separate files. CommonJS because only that can be
 * started from a V8 code cache on every supported Node.js (see bin/load.js). Types are checked by
 * `npm run check`, not here.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheOf, load } from "../bin/load.js";
import { buildPage, pageFiles } from "./build-page.mjs";
import { licences, packageFolders } from "./licences.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const stamp = ".sources";
const command = "bellwether.js";

/** Its exports are what bin/bellwether.js calls. */
const COMMAND_SOURCE = "src/cli/index.ts";

/** The meter library's entries, as package.json exports them: ES modules, which run without Node.js too. */
const LIBRARY = {
  meter: "src/sdk/index.ts",
  "meter-prices": "src/sdk/price-data.ts",
  "meter-tokenizer": "src/sdk/tokenizer.ts",
};

/** Files that decide what the build makes, besides src/ and dashboard/. */
const ALSO = [
  "package.json",
  "package-lock.json",
  "bin/load.js",
  "scripts/build.mjs",
  "scripts/build-page.mjs",
  "scripts/licences.mjs",
];

/** Whether dist/ was built from the sources as they are now, and has the code cache of this Node.js. */
export function isBuilt() {
  return isFresh() && existsSync(cacheOf(join(dist, command)));
}

/**
 * Builds what of dist/ is missing or stale, or all of it.
 * @param {{ all: boolean }} what
 */
export async function build({ all }) {
  if (all || !isFresh()) await replaceDist({ withTypes: all });
  writeCodeCaches();
}

function isFresh() {
  const file = join(dist, stamp);
  return existsSync(file) && readFileSync(file, "utf8") === hashSources();
}

/** Builds into a new folder and puts it in dist/'s place, so that dist/ is always whole. */
async function replaceDist(/** @type {{ withTypes: boolean }} */ { withTypes }) {
  const sources = hashSources();
  const fresh = join(root, `dist.${process.pid}`);
  const old = `${fresh}.old`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh);
  try {
    await bundleInto(fresh);
    await bundleLibraryInto(fresh);
    await buildPage(join(fresh, "dashboard"), join(dist, "dashboard"));
    if (withTypes) await writeTypes(join(fresh, "types"));
    writeFileSync(join(fresh, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
    writeFileSync(join(fresh, stamp), sources);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

/** @param {string} folder where the bundles go */
async function bundleInto(folder) {
  const { rolldown } = await import("rolldown");
  /** @type {Record<string, string>} */
  const entries = { bellwether: COMMAND_SOURCE };
  for (const file of sourceFiles()) {
    if (file.endsWith("-worker.ts")) entries[basename(file, ".ts")] = file;
    if (basename(dirname(file)) === "data" && file.endsWith(".json")) {
      cpSync(join(root, file), join(folder, "data", basename(file)), { errorOnExist: true, force: false });
    }
  }
  const bundle = await rolldown({
    cwd: root,
    input: entries,
    platform: "node",
    tsconfig: false,
    preserveEntrySignatures: "allow-extension",
    // Its native part finds itself beside its own files.
    external: /^@(duckdb|resvg)\//,
    onLog(level, log, print) {
      const ours = !log.id?.includes("node_modules");
      // A package may try to load an optional companion; for us to do so is a mistake.
      if (log.code === "UNRESOLVED_IMPORT" && ours) throw new Error(log.message);
      if (level === "warn" && ours) print("warn", log);
    },
  });
  const { output } = await bundle.write({
    dir: folder,
    format: "cjs",
    entryFileNames: "[name].js",
    // Beside the entries, so that what a file finds by import.meta.url is where it is for all of them.
    chunkFileNames: "[name].js",
    comments: false,
  });
  await bundle.close();
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  writeFileSync(join(folder, "third-party-licences.txt"), licences(packageFolders(modules)));
}

/** @param {string} folder where the meter library goes */
export async function bundleLibraryInto(folder) {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    cwd: root,
    input: LIBRARY,
    platform: "neutral",
    tsconfig: false,
    // An app that wants the tokenizer has it as a package.
    external: /^gpt-tokenizer\//,
    onLog(level, log, print) {
      // A module of Node.js would be one: the library runs where there are none.
      if (log.code === "UNRESOLVED_IMPORT") throw new Error(log.message);
      if (level === "warn") print("warn", log);
    },
  });
  await bundle.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "meter-[name].mjs",
    comments: false,
    // Small on its way to workers; names stay, so that a stack trace can be read.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
}

/**
 * Writes the library's type declarations, which take longer than all bundles together.
 * @param {string} folder
 */
export async function writeTypes(folder) {
  const { default: ts } = await import("typescript");
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const files = Object.values(LIBRARY).map((file) => join(root, file));
  const program = ts.createProgram(files, {
    ...options,
    noEmit: false,
    allowJs: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: join(root, "src"),
    outDir: folder,
  });
  /** @type {Map<string, string>} */
  const written = new Map();
  program.emit(undefined, (file, text) => {
    if (file.endsWith(".d.ts"))
      written.set(file, text.replace(/(from |import\()"(\..+?)\.ts"/g, '$1"$2.js"'));
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
  // Only what the entries lead to.
  const queue = Object.values(LIBRARY).map((file) =>
    join(folder, relative("src", file).replace(/\.ts$/, ".d.ts")),
  );
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    const text = written.get(file);
    if (text === undefined) continue;
    written.delete(file);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    for (const [, , target = ""] of text.matchAll(/(from |import\()"(\..+?)\.js"/g)) {
      queue.push(join(dirname(file), `${target}.d.ts`));
    }
  }
}

/** Loads the command, which starts nothing, and keeps what V8 compiled of the files it needs from the start. */
function writeCodeCaches() {
  /** @type {Map<string, import("node:vm").Script>} */
  const scripts = new Map();
  load(join(dist, command), scripts);
  for (const [file, script] of scripts) {
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, script.createCachedData());
    renameSync(unfinished, cacheOf(file));
  }
}

function hashSources() {
  const hash = createHash("sha256");
  for (const file of [...ALSO, ...sourceFiles(), ...pageFiles()]) {
    const text = readFileSync(join(root, file));
    hash.update(`${file}\0${text.length}\0`).update(text);
  }
  return hash.digest("hex");
}

/** Every file under src/ that can be in the product, relative to the root, in a fixed order. */
function sourceFiles() {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build({ all: true });
