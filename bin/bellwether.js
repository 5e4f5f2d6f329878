#!/usr/bin/env node
/** The `bellwether` command: runs what `npm run build` left in dist/. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { load } from "./load.js";

const bundle = fileURLToPath(new URL("../dist/bellwether.js", import.meta.url));
if (!existsSync(bundle)) {
  process.stderr.write(
    "bellwether is not built yet: run `npm run build` (or `npm start`, which does it) first.\n",
  );
  process.exit(1);
}
await load(bundle).main(process.argv.slice(2));
