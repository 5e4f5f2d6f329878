// @ts-check
/**
 * Loads a built CommonJS bundle, together with the V8 code cache that the build leaves beside it.
 *
 * Compiling the bundle is most of what a start costs; with the cache it takes about a third. A cache of
 * another Node.js version or platform is refused by V8 and the bundle is compiled as usual.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { dirname } from "node:path";
import { constants, Script } from "node:vm";

/** The suffix of the cache file beside a bundle. */
export const CACHE_SUFFIX = ".v8-cache";

/**
 * Runs the bundle once and returns its exports and the script, from which the build takes the cache.
 * @param {string} file absolute path of the bundle
 * @returns {{ exports: any, script: Script }}
 */
export function load(file) {
  const require = createRequire(file);
  const cache = file + CACHE_SUFFIX;
  const script = new Script(Module.wrap(readFileSync(file, "utf8")), {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(existsSync(cache) && { cachedData: readFileSync(cache) }),
  });
  // Known to `require` under its own name, so that a chunk which imports the bundle gets this instance.
  const module = new Module(file);
  module.filename = file;
  require.cache[file] = module;
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  module.loaded = true;
  return { exports: module.exports, script };
}
