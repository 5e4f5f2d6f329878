// @ts-check
/**
 * Builds the page in the browser: dashboard/ into a folder of static files, each with its compressed copy beside
 * it. The build of dist/ does this; where the page's sources are as they were, its files are taken over.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { licences, packageFolders } from "./licences.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = ".sources";

/** What decides what is made, besides dashboard/. */
const ALSO = ["package-lock.json", "scripts/build-page.mjs"];

/** Every file of the page that can be in the product, relative to the root, in a fixed order. */
export function pageFiles() {
  return readdirSync(join(root, "dashboard"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/**
 * Puts the page into `folder`.
 * @param {string} folder
 * @param {string} before where it was put last time; need not exist
 */
export async function buildPage(folder, before) {
  const sources = hashOf([...ALSO, ...pageFiles()]);
  if (existsSync(join(before, stamp)) && readFileSync(join(before, stamp), "utf8") === sources) {
    cpSync(before, folder, { recursive: true });
    return;
  }
  const { build } = await import("vite");
  /** @type {string[]} */
  const modules = [];
  await build({
    configFile: false,
    root: join(root, "dashboard"),
    logLevel: "warn",
    base: "/",
    publicDir: false,
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2023",
      // Nothing inline: the page's policy allows its own files only.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
    plugins: [
      {
        name: "modules",
        generateBundle(_options, bundle) {
          for (const chunk of Object.values(bundle))
            if (chunk.type === "chunk") modules.push(...chunk.moduleIds);
        },
      },
    ],
  });
  const assets = join(folder, "assets");
  for (const file of [join(folder, "index.html"), ...readdirSync(assets).map((name) => join(assets, name))]) {
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "third-party-licences.txt"), licences(packageFolders(modules)));
  writeFileSync(join(folder, stamp), sources);
}

/** @param {readonly string[]} files */
function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const text = readFileSync(join(root, file));
    hash.update(`${file}\0${text.length}\0`).update(text);
  }
  return hash.digest("hex");
}
