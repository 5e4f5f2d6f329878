/** `bellwether export`, `import` and `ledger repair`, as processes over real files. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LedgerRow } from "../../src/store/ledger-row.ts";
import type { Value } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { ledgerRow } from "../helpers/ledger-row.ts";
import { asValues, idOf } from "../helpers/ledger-store-suite.ts";
import { type Product, startProduct } from "../helpers/product.ts";
import { freePort } from "../helpers/redis.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = resolve("bin/bellwether.js");
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME };
  return spawnSync(process.execPath, [PROGRAM, ...args], { cwd: folder, env, encoding: "utf8" });
}

const database = () => join(folder, "data", "ledger.duckdb");

async function withLedger<T>(use: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>): Promise<T> {
  const store = await openStore({ path: database(), memoryBytes: 2 ** 27 });
  await store.migrate();
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const all = (): Promise<Readonly<Record<string, Value>>[]> =>
  withLedger((store) => store.query({ text: "SELECT * FROM calls ORDER BY id", params: [] }));

const rows: readonly LedgerRow[] = Array.from({ length: 12 }, (_, n) => {
  const startedAt = Date.UTC(2026, 6, 28 + n, 12);
  const cost = n === 3 ? undefined : BigInt(n) * 123_456_789_012n;
  return ledgerRow({
    id: idOf(n, startedAt),
    startedAt,
    cost,
    modelRequested: ["plain", 'quo"te, comma', "line\nend\r\n", "模型 🐑", ""][n % 5] ?? "",
    quantities: n % 2 === 0 ? { inputTokens: n, cachedInputTokens: 0 } : {},
    durationMs: n / 3,
  });
});

describe("bellwether export and import", () => {
  it.each(["csv", "jsonl", "parquet"])("give back every call and every value through %s", async (format) => {
    await withLedger((store) => store.insert(rows));
    const file = join(folder, `all.${format}`);
    expect(run("export", "--format", format, "--out", file)).toMatchObject({
      status: 0,
      stderr: "",
      stdout: "",
    });
    rmSync(join(folder, "data"), { recursive: true });
    expect(run("import", file)).toMatchObject({
      status: 0,
      stderr: "",
      stdout: expect.stringMatching(/: 12 calls added, 0 were there already\./),
    });
    expect(await all()).toEqual(rows.map(asValues));
    expect(run("import", file).stdout).toMatch(/: 0 calls added, 12 were there already\./);
    expect((await all()).length).toBe(12);
  });

  it("write to standard output, and only the calls of the range", async () => {
    await withLedger((store) => store.insert(rows));
    const { stdout } = run("export", "--format", "jsonl", "--from", "2026-07-30", "--to", "2026-07-31");
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { started_at: string });
    expect(found.map(({ started_at }) => started_at)).toEqual([
      "2026-07-30T12:00:00.000Z",
      "2026-07-31T12:00:00.000Z",
    ]);
  });

  it("say what is wrong with a range, a file or a missing ledger", async () => {
    expect(run("export").stderr).toMatch(/there is no ledger at/);
    await withLedger((store) => store.insert(rows));
    expect(run("export", "--from", "someday").stderr).toMatch(/--from "someday" is no time/);
    expect(run("export", "--from", "2026-08", "--to", "2026-07").stderr).toMatch(/--from is not before --to/);
    expect(run("import", "nothing.csv").stderr).toMatch(/there is no file nothing\.csv/);
    writeFileSync(join(folder, "odd.csv"), "a,b\r\n1,2\r\n");
    expect(run("import", "odd.csv").stderr).toMatch(/no known format. Known are: Bellwether's export/);
  });

  it("reject broken lines by number, keep them in a file, and take the rest", async () => {
    await withLedger((store) => store.insert(rows.slice(0, 3)));
    run("export", "--out", "three.csv");
    const [head = "", first = "", second = ""] = readFileSync(join(folder, "three.csv"), "utf8").split(
      "\r\n",
    );
    rmSync(join(folder, "data"), { recursive: true });
    writeFileSync(
      join(folder, "broken.csv"),
      [head, "only,two", first, second.replace("2026-07-29T", "soon"), ""].join("\r\n"),
    );
    const result = run("import", "broken.csv");
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/broken\.csv:2: has 2 fields where the header has \d+/);
    expect(result.stderr).toMatch(/broken\.csv:4: started_at is not a time/);
    expect(result.stdout).toMatch(/1 calls added/);
    expect(readFileSync(join(folder, "broken.rejected.csv"), "utf8").split(/\r?\n/).slice(0, 2)).toEqual([
      head,
      "only,two",
    ]);
  });

  it("take LiteLLM's spend logs", async () => {
    writeFileSync(
      join(folder, "spend.csv"),
      `request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,completionStartTime,model,model_group,custom_llm_provider,user,metadata,status
chatcmpl-1,acompletion,hash,1.2e-05,30,10,20,2026-03-01 10:00:00.250,2026-03-01 10:00:02.250,2026-03-01 10:00:01,openai/gpt-4.1,gpt-4.1,openai,anna,"{""user_api_key_alias"": ""shop"", ""user_api_key_team_alias"": ""commerce""}",success
chatcmpl-2,aembedding,hash,0.5,5,5,0,2026-03-01T11:00:00Z,2026-03-01T11:00:01Z,,text-embedding-3-small,,openai,,{},failure
`,
    );
    expect(run("import", "spend.csv").stdout).toMatch(/LiteLLM's spend logs: 2 calls added/);
    expect(run("import", "spend.csv").stdout).toMatch(/0 calls added, 2 were there already/);
    expect(await all()).toMatchObject([
      {
        started_at: Date.UTC(2026, 2, 1, 10, 0, 0, 250),
        app: "shop",
        team: "commerce",
        upstream: "openai",
        endpoint: "chat",
        model: "gpt-4.1",
        model_sent: "openai/gpt-4.1",
        status: 200,
        input_tokens: 10,
        output_tokens: 20,
        cost: "0.000012",
        duration_ms: 2000,
        first_token_ms: 750,
        upstream_request_id: "chatcmpl-1",
      },
      { endpoint: "embeddings", status: 500, error_type: "upstream_5xx", cost: "0.5", first_token_ms: null },
    ]);
  });

  it("take new-api's log, without its top-ups", async () => {
    writeFileSync(
      join(folder, "logs.csv"),
      `id,user_id,created_at,type,content,username,token_name,model_name,quota,prompt_tokens,completion_tokens,use_time,is_stream,channel,token_id,group,ip,other
7,1,1772359200,2,,root,shop,deepseek-v3.2,1250,100,50,3,true,4,9,default,,"{""frt"": 420, ""cache_tokens"": 64}"
8,1,1772359300,1,top-up,root,,,0,0,0,0,false,0,0,,,
9,1,1772359400,5,error,root,shop,gpt-4.1,0,0,0,1,0,relay-b,9,default,,
`,
    );
    expect(run("import", "logs.csv").stdout).toMatch(
      /new-api's log: 2 calls added, 0 were there already, 1 records are no calls/,
    );
    expect(await all()).toMatchObject([
      {
        started_at: 1_772_359_200_000,
        app: "shop",
        upstream: "channel-4",
        model: "deepseek-v3.2",
        cost: "0.0025",
        input_tokens: 100,
        cached_input_tokens: 64,
        duration_ms: 3000,
        first_token_ms: 420,
        streaming: true,
      },
      { upstream: "relay-b", status: 500, streaming: false },
    ]);
  });
});

describe("while Bellwether runs", () => {
  let product: Product;
  const token = "t0ken-of-the-admin";
  const ledger = { path: "./data/ledger.duckdb" };
  const ask = (...args: string[]) => {
    const { PATH = "" } = process.env;
    const env = { PATH, BELLWETHER_ADMIN_TOKEN: token };
    return spawnSync(process.execPath, [PROGRAM, ...args], { cwd: folder, env, encoding: "utf8" });
  };
  const started = async (server: object) => {
    await withLedger((store) => store.insert(rows));
    product = await startProduct({ folder, config: { server: { adminToken: token, ...server }, ledger } });
    // The database is the server's from its first pass on.
    await until(async () => (await get("reports/summary?from=2026-07-01")).status, 200);
  };
  const get = (path: string) =>
    fetch(`${product.url}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });
  afterEach(() => product.close());
  const stop = async () => {
    product.process.kill("SIGTERM");
    await product.ended;
  };

  it.each(["csv", "parquet"])("export asks it, and writes the same %s as from the file", async (format) => {
    await started({ port: await freePort() });
    const file = join(folder, "asked");
    expect(ask("export", "--format", format, "--out", file, "--to", "2026-08")).toMatchObject({
      status: 0,
      stderr: "",
    });
    await stop();
    const read = join(folder, "read");
    expect(run("export", "--format", format, "--out", read, "--to", "2026-08").status).toBe(0);
    expect(readFileSync(file)).toEqual(readFileSync(read));
    expect(readFileSync(file).length).toBeGreaterThan(1_000);
  });

  it("import gives it the calls, each once", async () => {
    await started({ port: await freePort() });
    ask("export", "--out", "all.csv");
    const more = readFileSync(join(folder, "all.csv"), "utf8").replaceAll(/^0/gm, "1");
    writeFileSync(join(folder, "more.csv"), more);
    expect(ask("import", "more.csv").stdout).toMatch(/12 calls added, 0 were there already/);
    expect(ask("import", "more.csv").stdout).toMatch(/0 calls added, 12 were there already/);
    const text = await (await get("export?format=jsonl&from=2026-07-30&to=2026-07-30")).text();
    const calls = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string });
    expect(calls.map(({ id }) => id[0])).toEqual(["0", "1"]);
    await stop();
    expect((await all()).length).toBe(24);
  });

  it("both say what is wrong", async () => {
    await started({});
    expect(ask("export", "--out", "x.csv").stderr).toMatch(
      /is open in another process, and no Bellwether answers/,
    );
    expect(run("export", "--url", product.url).stderr).toMatch(/wants its admin token/);
    expect(ask("export", "--url", "http://127.0.0.1:1").stderr).toMatch(
      /is no Bellwether that knows of this/,
    );
    const wrong = async (path: string) => {
      const answer = await get(path);
      return [answer.status, ((await answer.json()) as { error: { message: string } }).error.message];
    };
    expect(await wrong("export?format=xml")).toEqual([
      400,
      expect.stringMatching(/"xml" is none of csv, jsonl/),
    ]);
    expect(await wrong("export?from=someday")).toEqual([400, expect.stringMatching(/"someday" is no time/)]);
    expect(await wrong("export?form=7d")).toEqual([400, expect.stringMatching(/no such parameter/)]);
    const sent = await fetch(`${product.url}/api/import`, {
      ...{ method: "POST", headers: { authorization: `Bearer ${token}` }, body: '{"a":1}\n' },
    });
    expect([sent.status, await sent.json()]).toEqual([
      400,
      { error: { code: "bad_payload", message: expect.stringMatching(/^Line 1 cannot be read/) } },
    ]);
  });
});

describe("a damaged ledger", () => {
  it("is told with what to do, and moved aside by repair only", async () => {
    mkdirSync(join(folder, "data"));
    writeFileSync(database(), "no database\n".repeat(2000));
    const refused = run("export");
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/is damaged.*bellwether ledger repair/s),
    ]);
    expect(readdirSync(join(folder, "data"))).toEqual(["ledger.duckdb"]);
    expect(run("ledger", "repair").stdout).toMatch(/The damaged file is now/);
    expect(readdirSync(join(folder, "data"))).toEqual([expect.stringMatching(/^ledger\.duckdb\.damaged-/)]);
    expect(readFileSync(join(folder, "data", readdirSync(join(folder, "data"))[0] ?? ""), "utf8")).toContain(
      "no database",
    );
    expect(run("ledger", "repair").stderr).toMatch(/nothing to repair/);
  });

  it("that is sound is left alone by repair", async () => {
    await withLedger((store) => store.insert(rows));
    expect(run("ledger", "repair").stdout).toMatch(/is sound/);
    expect((await all()).length).toBe(12);
  });
});
