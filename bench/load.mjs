/** The load generators: wrk for throughput, and our own in C (native/) for open-loop latency and for streams. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { outputOf, start, workFolder } from "./machine.mjs";

const native = new Map();

/** The path of a compiled program of native/, compiling it at its first use. */
export function compiled(name) {
  let path = native.get(name);
  if (path === undefined) {
    path = join(workFolder, name);
    const source = new URL(`native/${name}.c`, import.meta.url).pathname;
    execFileSync("gcc", ["-O2", "-o", path, source], { stdio: ["ignore", 2, 2] });
    native.set(name, path);
  }
  return path;
}

let files = 0;
function temporary(text, extension) {
  const path = join(workFolder, `load-${files++}.${extension}`);
  writeFileSync(path, text);
  return path;
}

const quoted = (text) => JSON.stringify(text).replaceAll("\\/", "/");

/** Calls as fast as it can over `connections` for `seconds`; returns calls, errors and calls per second. */
export async function wrk(target, body, seconds, connections = 64) {
  const headers = Object.entries(target.headers).map(
    ([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`,
  );
  const script = temporary(
    `wrk.method = "POST"
${headers.join("\n")}
wrk.body = io.open(${quoted(temporary(body, "json"))}, "rb"):read("*a")
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"calls":%d,"seconds":%f,"failed":%d}\\n', summary.requests,
    summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
`,
    "lua",
  );
  const args = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--timeout",
    "10s",
    "-s",
    script,
    target.url + PATH,
  ];
  const stdout = await outputOf("wrk", args);
  const result = JSON.parse(/^RESULT (.*)$/m.exec(stdout)?.[1] ?? "{}");
  return { ...result, perSecond: result.calls / result.seconds };
}

const PATH = "/v1/chat/completions";

/** A whole HTTP request as bytes, for the native clients. */
function rawRequest(target, { method = "POST", path = PATH, body = "" } = {}) {
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${new URL(target.url).host}`,
    ...Object.entries(target.headers).map(([name, value]) => `${name}: ${value}`),
    ...(method === "GET" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/**
 * Calls at a fixed rate whatever the answers do; latencies in microseconds count from when each call was due.
 * `request` may name another method and path than the chat completion's.
 */
export async function openLoop(target, request, { rate, seconds, connections = 64 }) {
  const file = temporary(rawRequest(target, request), "http");
  const args = [new URL(target.url).port, rate, seconds, connections, file].map(String);
  return JSON.parse(await outputOf(compiled("open-loop"), args));
}

/**
 * Holds `streams` open. `turns.next(name)` waits for that turn of native/stream-sink.c and returns its figures;
 * it is given at once, so that what is read from /proc then belongs to that moment.
 */
export function streamSink(target, body, { streams, ramp, settle, window }) {
  const file = temporary(rawRequest(target, { body }), "http");
  const args = [new URL(target.url).port, streams, ramp, settle, window, file].map(String);
  const child = start(compiled("stream-sink"), args);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async turn(name) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`stream-sink ended before it said ${name}`);
        if (value.startsWith(`${name} `)) return JSON.parse(value.slice(name.length + 1));
      }
    },
  };
}
