/**
 * The contenders, as data: `spawn(upstreamUrl, options)` gives `{ child, pid, url, headers }` at once; `startContender`
 * waits until it relays. All run alone on one core. `direct` is the upstream itself, without a process.
 */
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { chatRequest, SMALL } from "./bodies.mjs";
import { freePort, start, stop, until, workFolder } from "./machine.mjs";
import { nginxConfiguration } from "./upstreams.mjs";

const ROOT = new URL("..", import.meta.url).pathname;
export const CLIENT_KEY = `sk-${createHash("sha256").update("client").digest("hex").slice(0, 48)}`;
const UPSTREAM_KEY = `sk-${createHash("sha256").update("upstream").digest("hex").slice(0, 48)}`;

/** What every client sends; the same to each contender. */
const HEADERS = {
  "Content-Type": "application/json",
  Accept: "application/json",
  "User-Agent": "OpenAI/JS 6.0.0",
  Authorization: `Bearer ${CLIENT_KEY}`,
};

/** One small call relayed to the end: whether it was answered with 200 and the upstream's own body. */
export function relays({ url, headers }) {
  return new Promise((resolve) => {
    const call = request(
      `${url}/v1/chat/completions`,
      { method: "POST", headers, agent: false },
      (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.once("error", () => resolve(false));
        response.once("end", () => {
          resolve(response.statusCode === 200 && Buffer.concat(pieces).includes('"usage"'));
        });
      },
    );
    call.once("error", () => resolve(false));
    call.end(chatRequest(SMALL));
  });
}

/** Starts a contender and waits until it relays. */
export async function startContender(contender, upstreamUrl, options = {}) {
  const started = await contender.spawn(upstreamUrl, options);
  await until(async () => ((await relays(started)) ? true : undefined), contender.name, {
    child: started.child,
  });
  return started;
}

export async function stopContender(started) {
  if (started.child !== undefined) await stop(started.child);
}

function spawned(child, port, headers) {
  return { child, pid: child.pid, url: `http://127.0.0.1:${port}`, headers };
}

const direct = {
  name: "direct",
  spawn: async (upstreamUrl) => ({ child: undefined, pid: undefined, url: upstreamUrl, headers: HEADERS }),
};

const nginx = {
  name: "nginx",
  async spawn(upstreamUrl, { streaming = false } = {}) {
    const port = await freePort();
    const configuration = nginxConfiguration(
      port,
      `location / {
      proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_read_timeout 1h;
      ${streaming ? "proxy_buffering off;" : ""}
    }`,
      `upstream upstream {
    server ${new URL(upstreamUrl).host};
    keepalive 2048;
    keepalive_requests 1000000000;
  }`,
    );
    return spawned(start("nginx", configuration, { pinned: true }), port, HEADERS);
  },
};

const portkey = {
  name: "portkey",
  async spawn(upstreamUrl) {
    const port = await freePort();
    const file = join(ROOT, "bench/node_modules/@portkey-ai/gateway/build/start-server.js");
    const preload = new URL("preload/loopback.mjs", import.meta.url).href;
    const child = start(process.execPath, ["--import", preload, file, "--headless", `--port=${port}`], {
      pinned: true,
      output: join(workFolder, "portkey.log"),
      env: { NODE_ENV: "production", TRUSTED_CUSTOM_HOSTS: "127.0.0.1" },
    });
    const headers = {
      ...HEADERS,
      "x-portkey-provider": "openai",
      "x-portkey-custom-host": `${upstreamUrl}/v1`,
    };
    return spawned(child, port, headers);
  },
};

/** The start of a configuration with everything on: app keys, prices, metrics, a log line per call. */
function bellwetherConfiguration(port, upstreamUrl, { server, ...extra } = {}) {
  return {
    server: { host: "127.0.0.1", port, auth: "keys", ...server },
    apps: [{ name: "bench", keys: [`sha256:${createHash("sha256").update(CLIENT_KEY).digest("hex")}`] }],
    upstreams: {
      bench: {
        baseUrl: `${upstreamUrl}/v1`,
        apiKey: UPSTREAM_KEY,
        prices: { "gpt-4.1-mini": { input: 0.4, cachedInput: 0.1, output: 1.6 } },
      },
    },
    log: { level: "info" },
    ...extra,
  };
}

/** Variables that would add upstreams of whoever runs the benchmarks. */
const FOREIGN = [
  "HOLYSHEEP_API_KEY",
  "OPENAI_API_KEY",
  "ANTHROPIC_API_KEY",
  "GEMINI_API_KEY",
  "DEEPSEEK_API_KEY",
  "OPENROUTER_API_KEY",
];
const CLEAN = Object.fromEntries(FOREIGN.map((name) => [name, undefined]));

/** Without a file: what a new user does, who only sets the environment. */
function environmentOnly(upstreamUrl) {
  return { HOLYSHEEP_API_KEY: UPSTREAM_KEY, HOLYSHEEP_API_URL: `${upstreamUrl}/v1` };
}

/**
 * Bellwether as built in `root`. Options: `configuration` is merged over the above, or with `fromEnvironment` there is
 * no file and `cwd` matters; `log` is where its log goes, `nodeOptions` precede the script, `ipc` opens a channel to a preload.
 */
export function bellwetherAt(root, name = "bellwether") {
  const script = join(root, "bin/bellwether.js");
  return {
    name,
    exists: () => existsSync(script),
    async spawn(
      upstreamUrl,
      { configuration, fromEnvironment = false, cwd, log, nodeOptions = [], ipc = false } = {},
    ) {
      const port = await freePort();
      const file = join(workFolder, `${name}-${port}.yaml`);
      // JSON is YAML.
      writeFileSync(file, JSON.stringify(bellwetherConfiguration(port, upstreamUrl, configuration), null, 2));
      const how = fromEnvironment ? ["--port", String(port)] : ["--config", file];
      const child = start(process.execPath, [...nodeOptions, script, "serve", ...how], {
        pinned: true,
        output: log ?? join(workFolder, `${name}.log`),
        env: { NODE_ENV: "production", ...CLEAN, ...(fromEnvironment ? environmentOnly(upstreamUrl) : {}) },
        cwd,
        ipc,
      });
      return spawned(child, port, HEADERS);
    },
  };
}

export const bellwether = bellwetherAt(ROOT);

/** The same but for the rows in the ledger: what the gateway by itself takes. Where calls are many. */
const noLedger = {
  ...bellwether,
  name: "no-ledger",
  measures: ["throughput", "latency"],
  spawn: (upstreamUrl, options) =>
    bellwether.spawn(upstreamUrl, { ...options, configuration: { ledger: { enabled: false } } }),
};

/** `measures`: names of those that it takes part in; all unless given. */
export const contenders = [direct, nginx, portkey, bellwether, noLedger];
