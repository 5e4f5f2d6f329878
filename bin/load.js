// @ts-check
/**
 * Loads the built program: CommonJS files, each together with the V8 code cache that the build left beside it.
 *
 * Compiling is most of what a start costs; with the cache it takes about a third.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { dirname, join } from "node:path";
import { constants, Script } from "node:vm";

/**
 * Code is cached for one Node.js binary. V8 refuses a cache of another V8 version, but not one of another build of
 * the same version, and then crashes.
 */
const runtime = `${process.version}-${process.arch}-${statSync(process.execPath).size}`;

/** Node.js calls the loader of imports below experimental, which is nothing that users can do something about. */
const { emitWarning } = process;
process.emitWarning = (/** @type {any[]} */ ...warning) => {
  if (!String(warning[0]).includes("USE_MAIN_CONTEXT_DEFAULT_LOADER"))
    Reflect.apply(emitWarning, process, warning);
};

/** Where this Node.js has the code cache of a file. */
export function cacheOf(/** @type {string} */ file) {
  return `${file}.${runtime}.v8-cache`;
}

/**
 * The exports of a file, which is run the first time; the files of ours that it requires are loaded likewise.
 * @param {string} file absolute path
 * @param {Map<string, Script>} [scripts] is given every script that was run, by its path, for the build
 */
export function load(file, scripts) {
  const require = createRequire(file);
  const known = require.cache[file];
  if (known !== undefined) return known.exports;
  const cache = cacheOf(file);
  const script = new Script(Module.wrap(readFileSync(file, "utf8")), {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(existsSync(cache) && { cachedData: readFileSync(cache) }),
  });
  scripts?.set(file, script);
  const module = new Module(file);
  module.filename = file;
  require.cache[file] = module;
  const requireOurs = (/** @type {string} */ id) =>
    id.startsWith("./") ? load(join(dirname(file), id), scripts) : require(id);
  const run = script.runInThisContext();
  run(module.exports, Object.assign(requireOurs, require), module, file, dirname(file));
  module.loaded = true;
  return module.exports;
}
