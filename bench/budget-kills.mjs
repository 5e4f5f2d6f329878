#!/usr/bin/env node
/**
 * `node bench/budget-kills.mjs [--kills 10] [--longest 3000] [--limit 2000000]`: kills the gateway, then the Redis that
 * three gateways count in (with an append-only file, and without), again and again under 64 callers of a hard budget, and
 * prints what the counters, the ledger and the sandbox's books say. Ends with 1 where they should agree and do not.
 */
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, scratchFolder } from "./ledger-bench.mjs";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    longest: { type: "string", default: "3000" },
    limit: { type: "string", default: "2000000" },
    redis: { type: "string", default: "/usr/bin/redis-server" },
  },
});

const scratch = scratchFolder();
const show = (title, figures) => {
  process.stderr.write("\n");
  process.stdout.write(`${title}\n`);
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`  ${name}: ${value}\n`);
};
const wrong = (what) => {
  process.stdout.write(`  WRONG: ${what}\n`);
  process.exitCode = 1;
};
try {
  const file = await bundled(scratch.path, "test/helpers/budget-kills.ts");
  const { killGateways, killRedis, RESERVED } = await import(pathToFileURL(file).href);
  const options = {
    program: fileURLToPath(new URL("../bin/bellwether.js", import.meta.url)),
    kills: Number(values.kills),
    longestMs: Number(values.longest),
    limit: Number(values.limit),
    onKill: (kill) => process.stderr.write(`\rkill ${kill}`),
  };
  const gateway = await killGateways(options);
  show("The gateway killed", gateway);
  const unknown = gateway.inBooks - gateway.inLedger;
  process.stdout.write(`  used and not known, at most reserved: ${unknown}\n`);
  if (gateway.restored !== gateway.inLedger) wrong("what was restored is not what the ledger has");
  if (unknown < 0 || unknown > gateway.interrupted * RESERVED) wrong("more is unknown than was in flight");
  if (gateway.usedAtEnd > options.limit) wrong("the budget was passed");
  for (const persistent of [true, false]) {
    const redis = await killRedis({ ...options, redisProgram: values.redis, persistent });
    show(`Redis killed, ${persistent ? "with an append-only file" : "that keeps nothing"}`, redis);
    if (!persistent) {
      process.stdout.write(`  used and not counted: ${redis.inBooks - redis.used}\n`);
      continue;
    }
    if (redis.used !== redis.inBooks || redis.reserved !== 0) wrong("not every call is counted once");
    if (redis.used > options.limit) wrong("the budget was passed");
  }
} finally {
  scratch.remove();
}
