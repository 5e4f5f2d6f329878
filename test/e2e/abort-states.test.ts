/** A client that leaves: in whatever state its call is, the upstream hears of it, and the call ends once. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway, total } from "../helpers/gateway.ts";
import { HeldLine } from "../helpers/held-line.ts";
import { until } from "../helpers/until.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Takes connections and never says anything. */
interface Mute {
  readonly port: number;
  readonly sockets: Set<Socket>;
}

async function mute(): Promise<Mute> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.resume().on("error", () => undefined));
    socket.once("close", () => sockets.delete(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

interface World {
  readonly gateway: TestGateway;
  readonly backup: Sandbox;
  readonly mute: Mute;
  /** The line to the first upstream. */
  readonly line: HeldLine;
}

interface State {
  readonly name: string;
  readonly config?: (mute: Mute) => TestConfig;
  readonly relay?: Readonly<Record<string, unknown>>;
  readonly backup?: Readonly<Record<string, unknown>>;
  readonly stream?: true;
  /** The body is longer by so many bytes than what is sent of it. */
  readonly missing?: number;
  /** What the first upstream answers is held back at first. */
  readonly held?: true;
  /** The client does not read. */
  readonly deaf?: true;
  /** Whether the call has come to the state. */
  readonly reached: (world: World) => boolean | Promise<boolean>;
  /** Calls that upstreams have seen in the end. */
  readonly calls: number;
  /** Those of them that were refused before, and so ended by themselves. */
  readonly refused?: number;
  /** The gateway's requests in the metrics, all with status 499. */
  readonly counted: number;
}

const relayBusy = ({ gateway }: Pick<World, "gateway">): boolean => gateway.sandbox.books.inFlight === 1;
const hedge = { hedge: { after: "50ms" } };
const told =
  (bytes: number) =>
  async ({ gateway }: World): Promise<boolean> =>
    relayBusy({ gateway }) && seen.bytes >= bytes;
const seen = { bytes: 0 };

const states: readonly State[] = [
  {
    name: "while its body is still on its way",
    missing: 10,
    // It has been told to go on.
    reached: () => seen.bytes > 0,
    calls: 0,
    counted: 1,
  },
  {
    name: "while the connection is secured",
    config: ({ port }) => ({ upstream: { baseUrl: `https://127.0.0.1:${port}/v1` } }),
    reached: ({ mute: { sockets } }) => sockets.size === 1,
    calls: 0,
    counted: 1,
  },
  {
    name: "while a proxy is asked for a tunnel",
    config: ({ port }) => ({ upstream: { proxy: `http://127.0.0.1:${port}` } }),
    reached: ({ mute: { sockets } }) => sockets.size === 1,
    calls: 0,
    counted: 1,
  },
  { name: "before the answer's head", relay: { hang: "head" }, reached: relayBusy, calls: 1, counted: 1 },
  {
    name: "after the head, before the first token",
    relay: { firstToken: 3_600_000 },
    stream: true,
    reached: told(1),
    calls: 1,
    counted: 1,
  },
  {
    name: "amid the stream",
    relay: { hang: "stream", after: 3 },
    stream: true,
    reached: told(400),
    calls: 1,
    counted: 1,
  },
  {
    name: "while it does not read what comes",
    relay: { size: 64 * 2 ** 20 },
    deaf: true,
    stream: true,
    reached: relayBusy,
    calls: 1,
    counted: 1,
  },
  {
    name: "in the pause before another attempt",
    config: () => ({ upstream: { retries: { attempts: 3, backoff: "1h" } } }),
    relay: { status: 503 },
    reached: ({ gateway }) =>
      gateway.sandbox.books.total({}).calls === 1 && gateway.sandbox.books.inFlight === 0,
    calls: 1,
    refused: 1,
    counted: 1,
  },
  {
    name: "at the upstream that it fell back to",
    relay: { status: 503 },
    backup: { hang: "head" },
    reached: ({ backup }) => backup.books.inFlight === 1,
    calls: 2,
    refused: 1,
    counted: 1,
  },
  {
    name: "while two attempts are in flight",
    config: () => ({ upstream: hedge }),
    relay: { hang: "head" },
    backup: { hang: "head" },
    reached: (world) => relayBusy(world) && world.backup.books.inFlight === 1,
    calls: 2,
    counted: 2,
  },
  {
    name: "while the head of a hedged answer waits for its first byte",
    config: () => ({ upstream: hedge }),
    relay: { firstToken: 3_600_000 },
    backup: { firstToken: 3_600_000 },
    stream: true,
    reached: (world) => relayBusy(world) && world.backup.books.inFlight === 1,
    calls: 2,
    counted: 2,
  },
  {
    name: "while the second attempt goes on alone",
    config: () => ({ upstream: hedge }),
    relay: { status: 503 },
    backup: { hang: "head" },
    held: true,
    reached: ({ backup, line }) => {
      if (backup.books.inFlight === 1) line.release();
      return backup.books.inFlight === 1 && line.open === 0;
    },
    calls: 2,
    refused: 1,
    counted: 2,
  },
];

it.each(states.map((state) => [state.name, state] as const))("%s", async (_, state) => {
  const silent = await mute();
  const backup = await startSandbox({});
  open.push(() => backup.close());
  const line = await HeldLine.open();
  open.push(() => line.close());
  if (state.held === true) line.hold();
  const { upstream, ...rest } = state.config?.(silent) ?? {};
  const gateway = await startGateway({
    upstream: { baseUrl: `${line.url}/v1`, ...upstream },
    upstreams: { backup: { baseUrl: `${backup.url}/v1`, apiKey: SANDBOX_KEY } },
    models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    ...rest,
  });
  open.push(() => gateway.close());
  line.target = gateway.sandbox.url;
  const world: World = { gateway, backup, mute: silent, line };
  gateway.sandbox.set(state.relay ?? {});
  backup.set(state.backup ?? {});
  seen.bytes = 0;
  const client = ask(gateway, state);

  await until(async () => state.reached(world), true);
  client.destroy();

  const left = async (): Promise<number> =>
    total(await gateway.samples(), "bellwether_requests_total", { status: "499" });
  await until(left, state.counted);
  await gateway.quiet();
  await until(() => backup.books.inFlight + silent.sockets.size, 0);
  const page = await gateway.samples();
  expect(total(page, "bellwether_requests_total")).toBe(state.counted);
  expect(total(page, "bellwether_requests_in_flight")).toBe(0);
  expect(total(page, "bellwether_breaker_state")).toBe(0);
  const upstreams = [gateway.sandbox, backup];
  const calls = upstreams.reduce((sum, { books }) => sum + books.total({}).calls, 0);
  const completed = upstreams.reduce((sum, { books }) => sum + books.total({}).completed, 0);
  expect(calls).toBe(state.calls);
  expect(completed).toBe(state.refused ?? 0);
});

/** A client on a bare socket, so that leaving is nothing but the end of its connection. */
function ask({ url }: TestGateway, { stream, missing = 0, deaf }: State): Socket {
  const { port } = new URL(url);
  const body = JSON.stringify({
    ...{ model: "gpt-4.1", stream: stream ?? false },
    messages: [{ role: "user", content: "Who leads the flock?" }],
  });
  const head = [
    "POST /v1/chat/completions HTTP/1.1",
    "host: gateway",
    "content-type: application/json",
    `content-length: ${body.length + missing}`,
    ...(missing > 0 ? ["expect: 100-continue"] : []),
  ];
  const socket = connect(Number(port), "127.0.0.1");
  open.push(() => Promise.resolve(socket.destroy()));
  socket.on("error", () => undefined);
  if (deaf !== true) {
    socket.on("data", (chunk) => {
      seen.bytes += chunk.length;
    });
  }
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return socket;
}
