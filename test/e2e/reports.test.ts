/** `bellwether report` and `plan` as users run them: on the ledger that a gateway left, and what they answer to mistakes. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../src/store/open-store.ts";
import { startGateway } from "../helpers/gateway.ts";
import { ledgerRow, SMALL_LEDGER } from "../helpers/small-ledger.ts";
import { until } from "../helpers/until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));
const DAY = ["--from", "2026-03-10", "--to", "2026-03-10", "--tz", "UTC"];
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwether-reports-"));
  // A port that nobody listens on.
  await writeFile(
    join(folder, "bellwether.yaml"),
    `server: { port: 1 }\napps: [{ name: bot, labels: { env: test }, keys: ["${keyOf("bot-key")}"] }]\n`,
  );
  const store = await openStore({ path: join(folder, "data/ledger.duckdb"), memoryBytes: 1e8 });
  await store.migrate();
  await store.insert([...SMALL_LEDGER, ledgerRow(99, 300, { modelLabel: "O'Brien %_\\ model" })]);
  await store.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function keyOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

async function bellwether(...args: string[]) {
  const env = { PATH: process.env.PATH, BELLWETHER_ADMIN_TOKEN: "a-token" };
  try {
    const { stdout, stderr } = await run(process.execPath, [PROGRAM, ...args], { cwd: folder, env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

describe("report", () => {
  it("reads the database when no Bellwether runs, and leaves it as it was", async () => {
    const file = join(folder, "data/ledger.duckdb");
    const before = await readFile(file);
    const { stdout, code } = await bellwether("report", "cost", ...DAY, "--json");
    expect(code).toBe(0);
    const [table] = JSON.parse(stdout).tables;
    expect(table.totals[table.columns.findIndex(({ name }: { name: string }) => name === "cost_usd")]).toBe(
      "0.01275",
    );
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it("prints plain tables into a pipe, and CSV", async () => {
    const text = await bellwether("report", "summary", ...DAY);
    expect(text.stdout).toMatch(/^summary, 2026-03-10 \(UTC\)\n\nby model\n/);
    expect(text.stdout).not.toContain("\u001b");
    const csv = await bellwether("report", "cost", ...DAY, "--csv", "--table", "month");
    expect(csv.stdout.split("\n")[0]).toBe("month,so_far_usd,projected_usd,low_usd,high_usd,method");
  });

  it("writes a page and a picture", async () => {
    const [page, picture] = [join(folder, "r.html"), join(folder, "r.png")];
    const { code, stdout } = await bellwether("report", ...DAY, "--html", page, "--png", picture);
    expect([code, stdout]).toEqual([0, ""]);
    expect(await readFile(page, "utf8")).toContain("Cost share");
    expect((await readFile(picture)).subarray(1, 4).toString()).toBe("PNG");
  });

  it("takes values as values, whatever is in them", async () => {
    const found = async (where: string) => {
      const { stdout } = await bellwether("report", "calls", ...DAY, "--json", "--where", where);
      return JSON.parse(stdout).tables[0].rows.length;
    };
    expect(await found("model=O'Brien %_\\ model")).toBe(1);
    expect(await found("model=O'Brien %_\\*")).toBe(1);
    expect(await found("model=%*")).toBe(0);
    expect(await found("model=' OR '1'='1")).toBe(0);
    expect(await found("model='; DROP TABLE calls; --")).toBe(0);
    expect(await found("id=' UNION SELECT * FROM calls --")).toBe(0);
    expect(await found("model=gpt*")).toBe(6);
  });

  it.each([
    [["report", "sumary"], /There is no report "sumary"\. Did you mean summary\?/],
    [["report", "summary", "--by", "modle"], /did you mean model\?/],
    [["report", "summary", "--by", "label:evn"], /did you mean label:env\?/],
    [["report", "summary", "--from", "2026-03-12", "--to", "2026-03-11"], /the range is empty/],
    [["report", "summary", "--tz", "Mars/Base"], /is no time zone/],
    [["report", "summary", "--table", "by_modle", ...DAY], /did you mean by_model\?/],
    [["report", "summary", "--sla", "soon", ...DAY], /--sla: soon is no duration/],
    [["report", "--url", "http://127.0.0.1:1"], /does not answer/],
    [["plan"], /say what the traffic is/],
    [["plan", "--tokens", "many", "--mix", "a"], /Write a number of tokens/],
    [
      ["plan", "--tokens", "5M", "--mix", "gpt-4.1=50,gtp-4.1-mini=50"],
      /gtp-4.1-mini has no price anywhere; did you mean gpt-4.1-mini\?/,
    ],
    [["plan", "--file", "nowhere.yaml"], /nowhere.yaml cannot be read/],
  ])("%j is refused with what to do", async (args, message) => {
    const { code, stderr, stdout } = await bellwether(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
  });

  it("groups by labels of apps: the configuration's, and those in force where a Bellwether runs", async () => {
    const csv = async (...args: string[]) => {
      const { stdout } = await bellwether("report", "usage", "--by", "label:env", "--csv", ...args);
      return stdout.split("\n").map((line) => line.split(",").slice(0, 2).join());
    };
    expect(await csv(...DAY)).toEqual(["label:env,calls", ",6", "test,6", ""]);
    const apps = (env: string) => [{ name: "shop", labels: { env }, keys: [keyOf("shop-key")] }];
    const config = { server: { auth: "keys" }, ledger: { enabled: true } };
    const gateway = await startGateway({ ...config, apps: apps("staging") });
    await fetch(`${gateway.url}/v1/models`, { headers: { authorization: "Bearer shop-key" } });
    const here = ["--url", gateway.url];
    await until(() => csv(...here), ["label:env,calls", "staging,1", ""]);
    await gateway.configure({ ...config, apps: apps("prod") });
    expect(await csv(...here)).toEqual(["label:env,calls", "prod,1", ""]);
    const { stderr } = await bellwether("report", "--by", "label:owner", ...here);
    expect(stderr).toMatch(/"label:owner" is nothing to group by; known are .*label:env/);
    await gateway.close();
  });

  it("says that there is no ledger yet", async () => {
    await writeFile(
      join(folder, "other.yaml"),
      "ledger: { path: ./nothing/here.duckdb }\nserver: { port: 1 }\n",
    );
    const { code, stderr } = await bellwether("report", "--config", "other.yaml");
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no ledger at .*here\.duckdb yet/);
  });

  it("asks the Bellwether that runs, with the token, and says what it answers", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.headers.authorization} ${request.url}`);
      if (request.url?.includes("errors") === true) response.writeHead(401).end("{}");
      else if (request.url?.includes("usage") === true)
        response.writeHead(400).end('{"error":{"message":"no such thing"}}');
      else
        response.end(
          JSON.stringify({
            report: "slow",
            from: 0,
            to: 1,
            timeZone: "UTC",
            tables: [],
            notes: ["from the server"],
          }),
        );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const good = await bellwether("report", "slow", "--url", url, "--where", "model=a&b", "--tz", "UTC");
    expect(good.stdout).toContain("from the server");
    expect(asked).toEqual(["Bearer a-token /api/reports/slow?where=model%3Da%26b&tz=UTC"]);
    expect((await bellwether("report", "errors", "--url", url)).stderr).toMatch(/BELLWETHER_ADMIN_TOKEN/);
    expect((await bellwether("report", "usage", "--url", url)).stderr).toMatch(/no such thing/);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("plan", () => {
  it("plans the real traffic on another model", async () => {
    const { stdout } = await bellwether(
      "plan",
      "--from-ledger",
      ...DAY,
      "--replace",
      "mini=gpt-4.1-mini",
      "--json",
    );
    const { tables, notes } = JSON.parse(stdout);
    // 5000 × 2 + 500 × 8 micro-dollars of gpt-4.1 and 1300 × 0.4 + 110 × 1.6 of gpt-4.1-mini, at list price.
    const [gpt, mini] = tables[1].rows;
    expect([gpt[0], gpt.at(-1), mini[0], mini.at(-1)]).toEqual([
      "gpt-4.1",
      "0.014",
      "gpt-4.1-mini",
      "0.000696",
    ]);
    expect(notes.join()).toContain("that of 1.0 days");
  });
});
