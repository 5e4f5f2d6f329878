import { bundled, scratchFolder } from "./ledger-bench.mjs";
const scratch = scratchFolder();
try {
  const { rollupSelect, ROLLUP_TABLES } = await import(await bundled(scratch.path, "src/store/rollups.ts"));
  const { duckdbSql } = await import(await bundled(scratch.path, "src/store/drivers/duckdb-sql.ts"));
  const api = await import("@duckdb/node-api");
  const inst = await api.DuckDBInstance.create(":memory:", {memory_limit:"134MB",threads:"1"});
  const c = await inst.connect();
  await c.run("ATTACH '/tmp/led/big.duckdb' AS ledger (READ_ONLY)"); await c.run("USE ledger");
  const sql=duckdbSql(()=>"calls");
  const full = rollupSelect(sql, ROLLUP_TABLES[0], "calls WHERE started_at >= TIMESTAMP '2026-10-10' AND started_at < TIMESTAMP '2026-10-10 07:00'");
  const noh = full.replace(/, histogram\([^)]*\) AS \w+/g,"").replace(/, map_keys\([^)]*\) AS \w+, map_values\([^)]*\)::UINTEGER\[\] AS \w+/g,"");
  const cls = `SELECT date_trunc('hour', started_at) h, app, team, upstream, endpoint, model, route, probe, duration_class, count(*) FROM (SELECT *, ${full.match(/CASE WHEN \(CASE.*?::SMALLINT AS duration_class/)[0]} FROM calls WHERE started_at >= TIMESTAMP '2026-10-10' AND started_at < TIMESTAMP '2026-10-10 07:00') GROUP BY ALL`;
  const oneh = full.replace(/, histogram\((?!duration)[^)]*\) AS \w+/g,"").replace(/, map_keys\((?!duration)[^)]*\) AS \w+, map_values\([^)]*\)::UINTEGER\[\] AS \w+/g,"");
  for (const [n,q] of [["full",full],["nohist",noh],["onehist",oneh],["cls",cls],["full",full]]) {
    const t=performance.now(), cpu=process.cpuUsage(); let r;
    try { r=await c.runAndReadAll(`SELECT count(*) FROM (${q.replace(/^SELECT/,"SELECT DISTINCT ON (1) 1, ").replace("SELECT DISTINCT ON (1) 1, ","SELECT ")})`); await c.run(`CREATE OR REPLACE TEMP TABLE x AS ${q}`);} catch(e){console.log(n,e.message.slice(0,300)); continue;}
    const u=process.cpuUsage(cpu); console.log(n, r.getRows()[0].map(String), (performance.now()-t).toFixed(0)+"ms", "cpu", (u.user+u.system)/1000|0, "ms for 97k rows ; rss", process.memoryUsage().rss/1e6|0);
  }
} finally { scratch.remove(); }
