/**
 * A hard budget under 64 callers while the gateway, or the Redis that three gateways count in, is killed over and over:
 * what the counters say afterwards, beside the ledger and the sandbox's books. The short versions are tests, the long
 * ones bench/budget-kills.mjs.
 */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { Pool } from "undici";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { openStore } from "../../src/store/open-store.ts";
import { startProgram } from "./crash-rounds.ts";
import { startRedis } from "./redis.ts";

const CALLERS = 64;
const KEY = "shop-key";
const BODY = JSON.stringify({
  model: "gpt-4.1-mini",
  max_tokens: 12,
  messages: [{ role: "user", content: "Who leads the flock?" }],
});
/** What is reserved for each of these calls: a third of its bytes, and its most output. */
export const RESERVED = Math.ceil(BODY.length / 3) + 12;

/** So often the counters are read, 25 ms apart, until they are right. */
const MOST_TRIES = 1_800;

export interface KillOptions {
  /** Absolute path of bin/bellwether.js. */
  readonly program: string;
  readonly kills: number;
  /** Milliseconds of load before each kill, at most. */
  readonly longestMs: number;
  /** Tokens a month. */
  readonly limit: number;
  onKill?(kill: number): void;
}

export interface GatewayKills {
  /** Calls and tokens that the sandbox saw. */
  readonly calls: number;
  readonly inBooks: number;
  /** Before the last start, as the ledger has it, and after it, as the budget's gauge has it. */
  readonly inLedger: number;
  readonly restored: number;
  /** Calls whose end no process has seen. */
  readonly interrupted: number;
  /** When the last process had refused callers until none was in flight: its gauge. */
  readonly usedAtEnd: number;
  readonly refused: number;
}

/** Kills the gateway; then uses the budget up. */
export async function killGateways(options: KillOptions): Promise<GatewayKills> {
  const { program, kills, longestMs } = options;
  return withPrograms(options, {}, async ({ sandbox, folder, file }) => {
    for (let kill = 1; kill <= kills; kill++) {
      const { child, url } = await startProgram(program, file);
      const load = new Callers([url]);
      await sleep(longestMs * (0.2 + 0.8 * Math.random()));
      child.kill("SIGKILL");
      await once(child, "exit");
      await load.close();
      options.onKill?.(kill);
    }
    // What was being answered when its gateway was killed comes to its end.
    while (sandbox.books.inFlight > 0) await sleep(10);
    const inBooks = usedIn(sandbox);
    const { child, url } = await startProgram(program, file);
    const restored = await gauge(url);
    await end(child);
    const { tokens, interrupted } = await ledgerOf(folder);
    const last = await startProgram(program, file);
    const load = new Callers([last.url]);
    while (load.refused < CALLERS) await sleep(10);
    await load.stop();
    // What was reserved for the last of them is free now: one after the other, until none fits.
    for (let refused = 0; refused < 3; await sleep(20))
      refused = (await load.askOnce()) === 429 ? refused + 1 : 0;
    await load.close();
    const usedAtEnd = await gauge(last.url);
    await end(last.child);
    return {
      ...{ calls: sandbox.books.total({}).calls, inBooks, inLedger: tokens, restored, interrupted },
      ...{ usedAtEnd, refused: load.refused },
    };
  });
}

export interface RedisKills {
  readonly calls: number;
  readonly inBooks: number;
  /** In Redis, when every call had been settled. */
  readonly used: number;
  readonly reserved: number;
  readonly unavailable: number;
}

/** Kills the Redis that three gateways count in; the gateways live. */
export async function killRedis(
  options: KillOptions & { readonly redisProgram: string; readonly persistent: boolean },
): Promise<RedisKills> {
  const { program, kills, longestMs } = options;
  const redis = await startRedis(options.redisProgram, options.persistent);
  try {
    return await withPrograms(options, { limits: { redis: redis.url } }, async ({ sandbox, files }) => {
      const programs = await Promise.all(files.map((file) => startProgram(program, file)));
      const load = new Callers(programs.map(({ url }) => url));
      for (let kill = 1; kill <= kills; kill++) {
        await sleep(longestMs * (0.2 + 0.8 * Math.random()));
        const before = load.unavailable;
        await redis.kill();
        // Away for as long as it takes until callers have noticed.
        while (load.unavailable === before) await sleep(10);
        await redis.start();
        options.onKill?.(kill);
      }
      await sleep(longestMs);
      await load.close();
      const client = new Redis(redis.url);
      let counted = await counters(client);
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        counted = await counters(client);
        if (counted.reserved === 0 && counted.used === usedIn(sandbox)) break;
        await sleep(25);
      }
      client.disconnect();
      for (const { child } of programs) await end(child);
      const { calls } = sandbox.books.total({});
      return { calls, inBooks: usedIn(sandbox), ...counted, unavailable: load.unavailable };
    });
  } finally {
    await redis.close();
  }
}

interface Place {
  readonly sandbox: Sandbox;
  /** Of the first gateway. */
  readonly folder: string;
  readonly file: string;
  readonly files: readonly string[];
}

/** A sandbox, and folders with a configuration for three gateways. */
async function withPrograms<T>(
  { limit }: KillOptions,
  config: object,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const knobs = { latency: "uniform(2,30)", output: 6, anyModel: true };
  const sandbox = await startSandbox({ keys: "any", knobs });
  const folder = await mkdtemp(join(tmpdir(), "bellwether-kills-"));
  try {
    const key = `sha256:${createHash("sha256").update(KEY).digest("hex")}`;
    const text = JSON.stringify({
      server: { port: 0, auth: "keys" },
      upstreams: { relay: { baseUrl: `${sandbox.url}/v1`, apiKey: "key-of-the-relay" } },
      apps: [{ name: "shop", keys: [key], tokenBudget: { tokens: limit, per: "month" } }],
      log: { level: "warn" },
      ...config,
    });
    const folders = await Promise.all([1, 2, 3].map((one) => mkdtemp(join(folder, `${one}-`))));
    const files = folders.map((each) => join(each, "bellwether.yaml"));
    for (const file of files) await writeFile(file, text);
    const [first = folder] = folders;
    return await work({ sandbox, folder: first, file: join(first, "bellwether.yaml"), files });
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function usedIn({ books }: Sandbox): number {
  const { used } = books.total({});
  return (used.inputTokens ?? 0) + (used.outputTokens ?? 0);
}

async function gauge(url: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^bellwether_budget_used_tokens\{.*\} (.*)$/m.exec(page)?.[1]);
}

async function counters(client: Redis): Promise<{ readonly used: number; readonly reserved: number }> {
  const [key = ""] = (await client.keys("*budget:tokens:app:shop*")).filter((each) => !each.endsWith("ions"));
  const [used, reserved] = await client.hmget(key, "used", "reserved");
  return { used: Number(used ?? 0), reserved: Number(reserved ?? 0) };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await once(child, "exit");
}

async function ledgerOf(folder: string): Promise<{ readonly tokens: number; readonly interrupted: number }> {
  const store = await openStore({ path: join(folder, "data", "ledger.duckdb"), memoryBytes: 256 * 2 ** 20 });
  try {
    const [row] = await store.query({
      text: `select cast(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as varchar) as tokens,
        cast(count(*) filter (where interrupted) as varchar) as interrupted from calls where app = 'shop'`,
      params: [],
    });
    return { tokens: Number(row?.tokens ?? 0), interrupted: Number(row?.interrupted ?? 0) };
  } finally {
    await store.close();
  }
}

/** Callers that ask one after the other, each at one of the gateways, until they are told to stop. */
class Callers {
  /** Calls refused because the budget was used up, and because the counters were away. */
  refused = 0;
  unavailable = 0;
  #over = false;
  readonly #running: readonly Promise<void>[];
  readonly #pools: readonly Pool[];

  constructor(urls: readonly string[]) {
    this.#pools = urls.map((url) => new Pool(url, { connections: CALLERS }));
    this.#running = Array.from({ length: CALLERS }, (_, at) => this.#ask(this.#pools[at % urls.length]));
  }

  /** Resolves when the last answer has come. */
  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }

  /** One call; its status. */
  async askOnce(pool = this.#pools[0]): Promise<number> {
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const request = { path: "/v1/chat/completions", method: "POST", headers, body: BODY } as const;
    const answer = await pool?.request(request);
    await answer?.body.dump();
    return answer?.statusCode ?? 0;
  }

  async #ask(pool: Pool | undefined): Promise<void> {
    while (!this.#over) {
      try {
        const status = await this.askOnce(pool);
        if (status === 429) this.refused++;
        if (status === 503) this.unavailable++;
        // Whoever is refused does not ask in a tight loop.
        if (status !== 200) await sleep(5);
      } catch {
        await sleep(5);
      }
    }
  }
}
