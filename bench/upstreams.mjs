/** What stands behind the contenders: a static answer for throughput and latency, a generator for streams. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chatAnswer } from "./bodies.mjs";
import { compiled } from "./load.mjs";
import { freePort, start, until, workFolder } from "./machine.mjs";

/** An nginx configuration of one process in the foreground that serves `server` on a loopback port. */
export function nginxConfiguration(port, server, http = "") {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${join(workFolder, `nginx-${port}-${kind}`)};`)
    .join("\n  ");
  const path = join(workFolder, `nginx-${port}.conf`);
  writeFileSync(
    path,
    `daemon off;
master_process off;
pid ${join(workFolder, `nginx-${port}.pid`)};
worker_rlimit_nofile 16384;
error_log stderr crit;
events { worker_connections 8192; }
http {
  ${temporary}
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_max_body_size 0;
  client_body_buffer_size 128k;
  tcp_nodelay on;
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${server}
  }
}
`,
  );
  return ["-c", path];
}

async function answering(port, child, what) {
  const url = `http://127.0.0.1:${port}`;
  await until(
    () =>
      fetch(`${url}/v1/ready`).then(
        (r) => r.arrayBuffer().then(() => true),
        () => undefined,
      ),
    what,
    { child },
  );
  return { child, pid: child.pid, url };
}

/** Answers every request with the same chat completion, and the headers a metering gateway looks at. */
export async function startStaticUpstream() {
  const port = await freePort();
  const configuration = nginxConfiguration(
    port,
    `location / {
      default_type application/json;
      add_header X-Request-Id req_bench;
      add_header X-RateLimit-Limit-Requests 10000;
      add_header X-RateLimit-Remaining-Requests 9999;
      add_header X-RateLimit-Limit-Tokens 2000000;
      add_header X-RateLimit-Remaining-Tokens 1999743;
      return 200 '${chatAnswer}';
    }`,
  );
  return answering(port, start("nginx", configuration), "the static upstream (nginx)");
}

/** Streams one token every `intervalMs` per stream; 0 holds every stream silent after its first event. */
export async function startStreamSource(intervalMs) {
  const port = await freePort();
  const child = start(compiled("stream-source"), [String(port), String(intervalMs)]);
  return answering(port, child, "the stream source");
}
