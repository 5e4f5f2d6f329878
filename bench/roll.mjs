import { bundled, scratchFolder } from "./ledger-bench.mjs";
const scratch = scratchFolder();
try {
  const { openStore } = await import(await bundled(scratch.path, "src/store/open-store.ts"));
  const store = await openStore({ path: process.argv[2], memoryBytes: 128e6 });
  await store.migrate();
  const t=performance.now(), cpu=process.cpuUsage(); let n=0;
  while (await store.rollUp(Date.UTC(2026,10,21,9,30))) { n++; if (n%30===0) console.log(n, ((performance.now()-t)/1000).toFixed(1)+"s", process.cpuUsage(cpu).user/1e6, "rss", process.memoryUsage().rss/1e6|0); if (n>=Number(process.argv[3]??1e9)) break; }
  console.log("steps",n,(performance.now()-t)/1000, process.cpuUsage(cpu).user/1e6, "rss", process.memoryUsage().rss/1e6|0);
  for (const q of ["select count(*) c, sum(len(duration_classes)) d, sum(len(overhead_classes)) o from rollup_hours","select count(*) c, sum(len(duration_classes)) d from rollup_days","select count(*) c, sum(len(duration_classes)) d from rollup_all_hours"]) console.log(await store.query({text:q,params:[]}));
  await store.close();
} finally { scratch.remove(); }
