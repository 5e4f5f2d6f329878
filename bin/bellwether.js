#!/usr/bin/env node
/** The `bellwether` command: runs what `npm run build` left in dist/. */
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";
import { load } from "./load.js";

const bundle = fileURLToPath(new URL("../dist/bellwether.js", import.meta.url));
if (!existsSync(bundle)) {
  process.stderr.write(
    "bellwether is not built yet: run `npm run build` (or `npm start`, which does it) first.\n",
  );
  process.exit(1);
}
// For the parts that load later; Node.js 22.1 and newer.
module.enableCompileCache?.();
await load(bundle).exports.main(process.argv.slice(2));
