/** `bellwether sandbox`: the simulated relay as a process of its own. */
import { Command, InvalidArgumentError } from "commander";
import type { Sandbox } from "../sandbox/server.ts";

const DEFAULT_KEY = "sk-sandbox";
const LAST_PORT = 65_535;

interface Flags {
  readonly port: number;
  readonly host: string;
  readonly seed: number;
  readonly key: readonly string[];
  readonly anyKey?: true;
  readonly latency?: string;
  readonly knobs?: string;
  readonly record?: true;
  readonly json?: true;
}

/** The command line of the sandbox; it runs until SIGINT or SIGTERM. */
export function sandboxCommand(): Command {
  return new Command("sandbox")
    .description("Run a simulated relay that speaks every API: for trying things out, tests and demos")
    .option("--port <port>", "port to listen on; 0 takes any free one", port, 8600)
    .option("--host <host>", "address to listen on", "127.0.0.1")
    .option("--seed <number>", "decides everything that is invented", whole, 1)
    .option("--key <key>", "accept this key (repeatable)", (key, keys: string[]) => [...keys, key], [])
    .option("--any-key", "accept every key that is not empty")
    .option("--latency <delay>", "wait before each answer: 200, uniform(50,300) or lognormal(200,900), in ms")
    .option("--knobs <list>", "knobs for all calls, e.g. 'tokensPerSecond=50; failRate=0.01'")
    .option("--record", "keep the last 1000 requests, keys included, at /sandbox/requests")
    .option("--json", "print one line of JSON instead of the explanation")
    .action(run);
}

function port(text: string): number {
  const value = whole(text);
  if (value > LAST_PORT) throw new InvalidArgumentError(`A port is a number from 0 to ${LAST_PORT}.`);
  return value;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** Errors (the port is taken, a knob is wrong) go to the caller, which explains them. */
async function run(flags: Flags): Promise<void> {
  const { startSandbox } = await import("../sandbox/server.ts");
  const { knobTable, readKnobHeader } = await import("../sandbox/knobs.ts");
  const latency = flags.latency === undefined ? {} : { latency: flags.latency };
  const sandbox = await startSandbox({
    port: flags.port,
    host: flags.host,
    seed: flags.seed,
    keys: flags.anyKey === true ? "any" : flags.key.length > 0 ? flags.key : [DEFAULT_KEY],
    knobs: { ...latency, ...readKnobHeader(flags.knobs ?? "") },
    record: flags.record === true,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  const text =
    flags.json === true
      ? `${JSON.stringify(description(sandbox))}\n`
      : banner(sandbox, flags, Object.keys(knobTable));
  process.stdout.write(text);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await sandbox.close();
}

function description(sandbox: Sandbox) {
  return { simulated: true, url: sandbox.url, port: sandbox.port, pid: process.pid };
}

function banner(sandbox: Sandbox, flags: Flags, knobs: readonly string[]): string {
  const { url } = sandbox;
  const own = flags.key.length > 0;
  const key = own ? "$KEY" : DEFAULT_KEY;
  return `Bellwether sandbox: a SIMULATED relay on ${url}
It invents its answers: no model is asked, nothing leaves this machine, nobody is charged.
Base URL for OpenAI clients: ${url}/v1   key: ${own ? "the one given with --key" : key}

Try:
  curl ${url}/v1/chat/completions -H "authorization: Bearer ${key}" \\
    -H 'content-type: application/json' \\
    -d '{"model":"gpt-4.1","messages":[{"role":"user","content":"hello"}]}'

  curl -N ${url}/v1/chat/completions -H "authorization: Bearer ${key}" \\
    -H 'content-type: application/json' -H 'x-sandbox: firstToken=300; tokensPerSecond=20' \\
    -d '{"model":"gpt-4.1","stream":true,"messages":[{"role":"user","content":"hello"}]}'

  curl ${url}/sandbox/knobs -d '{"failRate":0.1,"latency":"lognormal(200,900)"}'

Knobs (header x-sandbox, or POST /sandbox/knobs for all calls; GET /sandbox explains each):
${wrapped(knobs)}
Models that set knobs by name: sandbox-slow, sandbox-429, sandbox-hang, sandbox-reset, … (docs/sandbox.md)
The sandbox's own books of every call: ${url}/sandbox/books
Stop with Ctrl+C.
`;
}

const WIDTH = 100;

function wrapped(words: readonly string[]): string {
  const lines: string[] = [];
  let line = " ";
  for (const word of words) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = " ";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}
