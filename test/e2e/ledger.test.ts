/** The ledger of the running program: each call's row, whatever becomes of the database, the disk or the thread. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { readLedgerFile } from "../helpers/ledger-file.ts";
import { type Product, type ProductOptions, startProduct } from "../helpers/product.ts";
import { until } from "../helpers/until.ts";

const started: Product[] = [];
const undo: (() => void)[] = [];
afterEach(async () => {
  for (const product of started.splice(0)) await product.close();
  for (const step of undo.splice(0)) step();
});

async function start(options: ProductOptions = {}): Promise<Product> {
  const product = await startProduct(options);
  started.push(product);
  return product;
}

const database = (product: Product): string => join(product.folder, "data", "ledger.duckdb");
const journal = (product: Product): string[] => readdirSync(join(product.folder, "data", "journal"));
const memoryBytes = 128 * 2 ** 20;

async function call(product: Product, content = "Who leads the flock?"): Promise<number> {
  const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content }], max_tokens: 4 });
  const response = await fetch(`${product.url}/v1/chat/completions`, { method: "POST", body });
  await response.arrayBuffer();
  return response.status;
}

/** As many calls, some at a time; gives how often each status came. */
async function calls(product: Product, count: number, content?: string): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  for (let done = 0; done < count; done += 50) {
    const answers = Array.from({ length: Math.min(50, count - done) }, () => call(product, content));
    for (const status of await Promise.all(answers)) statuses[status] = (statuses[status] ?? 0) + 1;
  }
  return statuses;
}

async function metric(product: Product, name: string): Promise<number> {
  const page = await (await fetch(`${product.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1]);
}

async function stop(product: Product): Promise<number | string> {
  product.process.kill("SIGTERM");
  return product.ended;
}

const logged = (product: Product, text: string): number => product.stdout.split(text).length - 1;

describe("the ledger", () => {
  it("is on without a word of configuration, and has every call when the program has ended", async () => {
    const product = await start();
    expect(await calls(product, 100)).toEqual({ 200: 100 });
    expect(await stop(product)).toBe(0);
    const rows = await readLedgerFile(database(product));
    expect(rows.map(({ status, interrupted }) => [Number(status), interrupted])).toEqual(
      Array.from({ length: 100 }, () => [200, false]),
    );
    expect(journal(product)).toEqual([]);
  });

  it("tells its rows, its lag and the journal's size", async () => {
    const product = await start();
    await calls(product, 10);
    await until(() => metric(product, "bellwether_ledger_rows_total"), 10);
    expect(await metric(product, "bellwether_ledger_lag_seconds")).toBeLessThan(10);
    expect(await metric(product, "bellwether_journal_bytes")).toBeGreaterThan(1_000);
    expect(await metric(product, "bellwether_ledger_resident_memory_bytes")).toBeGreaterThan(20e6);
    expect(await metric(product, "bellwether_journal_dropped_calls_total")).toBe(0);
    expect(await metric(product, "bellwether_ledger_damages_total")).toBe(0);
  });

  it("leaves nothing behind when it is switched off", async () => {
    const product = await start({ config: { ledger: { enabled: false } } });
    expect(await calls(product, 5)).toEqual({ 200: 5 });
    expect(await stop(product)).toBe(0);
    const data = join(product.folder, "data");
    expect([existsSync(database(product)), existsSync(join(data, "journal"))]).toEqual([false, false]);
  });

  it("never holds keys, prompts or completions", async () => {
    const product = await start();
    await calls(product, 5, "the secret of the flock");
    const files = journal(product).map((name) => readFileSync(join(product.folder, "data", "journal", name)));
    const text = Buffer.concat(files).toString("latin1");
    expect(text).toContain("gpt-4.1");
    expect(text).not.toContain("secret of the flock");
    expect(text).not.toContain("sk-sandbox");
  });
});

describe("while the database is locked by another process", () => {
  const locked = async (): Promise<{ folder: string; other: LedgerStore }> => {
    const folder = mkdtempSync(join(tmpdir(), "bellwether-locked-"));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, "data"));
    const other = await openStore({ path: join(folder, "data", "ledger.duckdb"), memoryBytes });
    await other.migrate();
    return { folder, other };
  };

  it("traffic goes on, the journal holds the rows, and one line tells of each change", async () => {
    const { folder, other } = await locked();
    const product = await start({ folder });
    expect(await calls(product, 200)).toEqual({ 200: 200 });
    await until(() => logged(product, "ledger not writable"), 1);
    expect(await metric(product, "bellwether_ledger_rows_total")).toBe(0);
    expect(await metric(product, "bellwether_ledger_lag_seconds")).toBeGreaterThan(0);
    await other.close();
    await until(() => metric(product, "bellwether_ledger_rows_total"), 200);
    await until(() => logged(product, "ledger writable again"), 1);
    expect(logged(product, "ledger not writable")).toBe(1);
    expect(await stop(product)).toBe(0);
    expect((await readLedgerFile(database(product))).length).toBe(200);
  });

  it("the program ends all the same, and the next start takes the rows over", async () => {
    const { folder, other } = await locked();
    const first = await start({ folder });
    await calls(first, 20);
    expect(await stop(first)).toBe(0);
    expect(journal(first).length).toBe(1);
    await other.close();
    const second = await start({ folder });
    await until(() => metric(second, "bellwether_ledger_rows_total"), 20);
    expect(await stop(second)).toBe(0);
    const rows = await readLedgerFile(database(second));
    expect([rows.length, rows.filter(({ interrupted }) => interrupted).length]).toEqual([20, 0]);
  });

  it("and the journal full, `drop-oldest` loses the oldest rows and counts them", async () => {
    const { folder, other } = await locked();
    const product = await start({ folder, config: { ledger: { journal: { maxBytes: "64KiB" } } } });
    const sent = await fill(
      product,
      async () => (await metric(product, "bellwether_journal_dropped_calls_total")) > 0,
    );
    await until(() => logged(product, "journal full: the oldest records are dropped"), 1);
    await other.close();
    await until(async () => (await metric(product, "bellwether_ledger_lag_seconds")) < 2, true);
    const dropped = await metric(product, "bellwether_journal_dropped_calls_total");
    expect(await stop(product)).toBe(0);
    const rows = await readLedgerFile(database(product));
    // What is counted may have reached the database just before.
    expect(rows.length).toBeGreaterThanOrEqual(sent - dropped);
    expect(rows.length).toBeLessThan(sent);
  });

  it("and the journal full, `reject` refuses calls until the database has caught up, and loses none", async () => {
    const { folder, other } = await locked();
    const ledger = { journal: { maxBytes: "64KiB", whenFull: "reject" } };
    const product = await start({ folder, config: { ledger } });
    let refused: Response | undefined;
    const sent = await fill(product, async () => {
      const response = await fetch(`${product.url}/v1/models`);
      if (response.status === 503) refused = response;
      return refused !== undefined;
    });
    expect(await refused?.json()).toMatchObject({ error: { code: "ledger_full" } });
    const page = await (await fetch(`${product.url}/metrics`)).text();
    expect(page).toMatch(/bellwether_rejected_total\{app="anonymous",reason="ledger"\} [1-9]/);
    await other.close();
    await until(() => call(product), 200);
    expect(await metric(product, "bellwether_journal_dropped_calls_total")).toBe(0);
    expect(await stop(product)).toBe(0);
    const rows = await readLedgerFile(database(product));
    expect(rows.filter(({ status, path }) => Number(status) === 200 && path !== "/v1/models").length).toBe(
      sent + 1,
    );
  });
});

/** Makes calls until something holds; gives how many were answered with 200. */
async function fill(product: Product, full: () => Promise<boolean>): Promise<number> {
  let sent = 0;
  while (!(await full())) sent += (await calls(product, 50))[200] ?? 0;
  return sent;
}

const tmpfs = mountedTmpfs("16m");

describe.skipIf(tmpfs === undefined)("while the disk is full", () => {
  it("traffic goes on, and every row is there when there is space again", async () => {
    const folder = tmpfs ?? "";
    const product = await start({ folder });
    expect(await calls(product, 50)).toEqual({ 200: 50 });
    await until(() => metric(product, "bellwether_ledger_rows_total"), 50);
    const filler = join(folder, "filler");
    // `cat` writes until nothing more fits.
    spawnSync("sh", ["-c", `cat /dev/zero > ${filler}`]);
    expect(await calls(product, 300)).toEqual({ 200: 300 });
    await until(() => logged(product, "journal not writable"), 1);
    rmSync(filler);
    await until(() => metric(product, "bellwether_ledger_rows_total"), 350);
    await until(() => logged(product, "journal writable again"), 1);
    expect(await stop(product)).toBe(0);
    const rows = await readLedgerFile(database(product));
    expect([rows.length, new Set(rows.map(({ id }) => id)).size]).toEqual([350, 350]);
  });
});

/** A small file system of its own; undefined, with the reason, where this user may not make one. */
function mountedTmpfs(size: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-tmpfs-"));
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], {
    encoding: "utf8",
  });
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  process.stderr.write(
    `No small file system can be mounted (${(stderr ?? "").trim()}): the test is skipped.\n`,
  );
  return undefined;
}

afterAll(() => {
  if (tmpfs === undefined) return;
  spawnSync("umount", [tmpfs]);
  rmSync(tmpfs, { recursive: true, force: true });
});
