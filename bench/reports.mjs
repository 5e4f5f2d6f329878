/**
 * How long each report takes over many calls: `node bench/reports.mjs [rows, default 30000000]`.
 * Makes a DuckDB ledger of invented calls over 90 days, and runs every report over all of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundled, scratchFolder } from "./ledger-bench.mjs";

const ROWS = Number(process.argv[2] === "ask" ? process.argv[7] : (process.argv[2] ?? 30_000_000));
const DAYS = 90;
const ROUNDS = 3;
/** As the configuration has it by default. */
const MEMORY = 96 * 2 ** 20;

/** As text, so that rows are made by the database and not one by one. Every id begins with its time, as a UUIDv7. */
function inventedRows(now) {
  const start = now - DAYS * 86_400_000;
  const step = (DAYS * 86_400_000) / ROWS;
  return `INSERT INTO calls BY NAME
    SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7000-8000-' || lpad(i::VARCHAR, 12, '0') AS id,
      make_timestamp(t * 1000) AS started_at, ['shop', 'support', 'search', 'anonymous'][1 + i % 4] AS app,
      CASE WHEN i % 4 = 3 THEN '' ELSE 'commerce' END AS team, ['holysheep', 'openai', 'backup'][1 + i % 3] AS upstream,
      'chat' AS endpoint, 'model-' || (i % 12) AS model, model AS model_requested, model AS model_sent,
      model AS model_answered, '' AS route, false AS probe, i % 2 = 0 AS streaming, false AS interrupted,
      'POST' AS method, '/v1/chat/completions' AS path, CASE WHEN bad THEN 429 ELSE 200 END AS status,
      CASE WHEN bad THEN 'rate_limit' END AS error_type, NULL AS error_code, '' AS trace_id,
      'req_' || i AS upstream_request_id, 'default' AS service_tier,
      CASE WHEN bad THEN 'missing' ELSE 'reported' END AS source, NOT bad AS billable,
      CASE WHEN NOT bad THEN 200 + i % 4000 END AS input_tokens, CASE WHEN NOT bad THEN 50 + i % 700 END AS output_tokens,
      CASE WHEN NOT bad THEN ((200 + i % 4000) * 0.000002)::DECIMAL(38, 12) END AS cost,
      CASE WHEN NOT bad THEN ((200 + i % 4000) * 0.000003)::DECIMAL(38, 12) END AS list_cost,
      exp(5 + 4 * ((i * 7919) % 1000003) / 1000003.0) AS duration_ms,
      CASE WHEN i % 2 = 0 THEN exp(4 + 2 * ((i * 104729) % 1000003) / 1000003.0) END AS first_token_ms,
      80.0 + i % 100 AS first_byte_ms, 0.05 + (i % 100) / 100.0 AS overhead_ms, 1024 AS bytes_in, 760 AS bytes_out,
      0 AS retries
    FROM (SELECT i, i % 50 = 49 AS bad, (${start} + floor(i * ${step}))::BIGINT AS t,
      lpad(lower(to_hex(t)), 12, '0') AS h FROM range(${ROWS}) AS r(i))`;
}

const [role, ...rest] = process.argv.slice(2);
if (role === "ask") await ask(...rest);
else await make();

/** Makes the ledger, then asks in a process like the ledger's, whose memory is that of the database and the reports alone. */
async function make() {
  const scratch = scratchFolder();
  try {
    const opener = await bundled(scratch.path, "src/store/open-store.ts");
    const reporter = await bundled(scratch.path, "src/ledger/reports/index.ts");
    const { openStore } = await import(opener);
    const path = join(scratch.path, "ledger.duckdb");
    const now = Date.now();
    const making = await openStore({ path, memoryBytes: 4e9 });
    await making.migrate();
    let began = performance.now();
    await making.query({ text: inventedRows(now), params: [] });
    await making.close();
    print(
      `${ROWS.toLocaleString("en")} calls over ${DAYS} days, made in ${seconds(performance.now() - began)}; `,
    );
    print(`${(statSync(path).size / 1e9).toFixed(2)} GB on disk, ${MEMORY / 1e6} MB for the database\n`);
    const summing = await openStore({ path, memoryBytes: MEMORY });
    await summing.migrate();
    began = performance.now();
    const cpu = process.cpuUsage();
    while (await summing.rollUp(now));
    const { user, system } = process.cpuUsage(cpu);
    print(
      `summed up in ${seconds(performance.now() - began)}, CPU ${((user + system) / ROWS).toFixed(1)} µs a call; `,
    );
    await summing.close();
    print(`${(statSync(path).size / 1e9).toFixed(2)} GB on disk\n\n`);
    const script = fileURLToPath(import.meta.url);
    const { FEW_ARENAS, SMALL_HEAP } = await import(
      await bundled(scratch.path, "src/ledger/ledger-child.ts")
    );
    const child = spawn(
      process.execPath,
      [...SMALL_HEAP, script, "ask", opener, reporter, path, String(now), String(ROWS)],
      { stdio: "inherit", env: { ...process.env, ...FEW_ARENAS } },
    );
    await once(child, "close");
  } finally {
    scratch.remove();
  }
}

async function ask(opener, reporter, path, time) {
  const { openStore } = await import(opener);
  const { reports, runReport } = await import(reporter);
  const now = Number(time);
  const store = await openStore({ path, memoryBytes: MEMORY, readOnly: true });
  const [row] = await store.query({
    text: `SELECT id FROM calls LIMIT 1 OFFSET ${Math.floor(ROWS / 2)}`,
    params: [],
  });
  for (const tz of ["UTC", "Asia/Shanghai"]) {
    const range = { from: `${DAYS}d`, tz };
    const questions = [
      ...reports.map(({ name }) => [name, name, range]),
      ["cost by app, day", "cost", { ...range, by: "app,day" }],
      ["latency of a model", "latency", { ...range, model: "model-3" }],
      ["summary of a week", "summary", { from: "7d", tz }],
      ["calls by id", "calls", { id: String(row.id), tz }],
    ];
    print(`${tz}\n`);
    for (const [title, name, parameters] of questions) {
      const times = [];
      const cpu = process.cpuUsage();
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now();
        await runReport(name, parameters, store, now);
        times.push(performance.now() - start);
      }
      const { user, system } = process.cpuUsage(cpu);
      const sorted = times.toSorted((a, b) => a - b);
      const used = seconds((user + system) / 1000 / ROUNDS);
      print(
        `${title.padEnd(20)} ${times.map(seconds).join("  ")}  median ${seconds(sorted[1])}, CPU ${used}\n`,
      );
    }
  }
  print(`\nmemory of the process that asks, most: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB\n`);
  await store.close();
}

function seconds(ms) {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function print(text) {
  process.stdout.write(text);
}
