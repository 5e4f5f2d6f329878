/** The work of `bellwether demo`: finds or starts a server, sends it a day's traffic, and tells how it went. */
import { Random } from "../../sandbox/random.ts";
import { hourAt, type Phase, phaseAt, shareOfHour } from "./day.ts";
import { HISTORY_DAYS, startOwnServer } from "./own-server.ts";
import { Progress, summaryText, sums } from "./progress.ts";
import { examine, listedModels } from "./target.ts";
import { median, Traffic } from "./traffic.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

export interface DemoOptions {
  /** Where to send; undefined: to `address` if a Bellwether runs there, else to one of its own. */
  readonly url: string | undefined;
  /** Where a Bellwether would run, and where one of its own is to listen. */
  readonly address: { readonly host: string; readonly port: number; readonly url: string };
  /** Always one of its own. */
  readonly own: boolean;
  readonly keys: readonly string[];
  /** Calls a second, on average of a day; undefined: the default of what is sent to. */
  readonly rate: number | undefined;
  readonly dayMs: number;
  /** Undefined: until it is told to stop. */
  readonly durationMs: number | undefined;
  readonly incident: boolean;
  readonly history: boolean;
  readonly seed: number;
  readonly paid: boolean;
  readonly json: boolean;
}

const RATE = 5;
/** Somebody pays: a call every two seconds, of few tokens. */
const PAID_RATE = 0.5;
const PAID_TOKENS = 32;
const MOST_TOKENS = 4_096;
const TICK_MS = 500;
/** At least so many a day: no phase of the incident is shorter than half an hour. */
const TICKS_A_DAY = 96;
const PATIENCE_MS = 3_000;

/** What a running simulated relay is to do with each call: it answers at once unless it is told otherwise. */
const KNOBS: Readonly<Record<Phase, string>> = {
  well: "latency=lognormal(180,700); tokensPerSecond=90",
  slow: "latency=lognormal(1800,6000); tokensPerSecond=25",
  failing: "latency=lognormal(900,4000); tokensPerSecond=25; failRate=0.75; failWith=503",
  recovering: "latency=lognormal(500,2000); tokensPerSecond=60; failRate=0.1; failWith=503",
};

interface Target {
  readonly url: string;
  readonly simulated: boolean;
  /** It was started for this. */
  readonly own: boolean;
  readonly workloads: readonly Workload[];
  key(app: string): string;
  enter(phase: Phase): void;
  knobs(): string | undefined;
  close(): Promise<void>;
}

/** @param stop resolves when it is to end */
export async function runDemo(options: DemoOptions, stop: Promise<unknown>): Promise<number> {
  const say = (text: string): void => void process.stderr.write(text);
  const target = await choose(options, say);
  const random = new Random(options.seed);
  const rate = options.rate ?? (target.simulated ? RATE : PAID_RATE);
  const began = performance.now();
  const hour = (): number => hourAt(performance.now() - began, options.dayMs);
  const traffic = new Traffic({
    url: target.url,
    workloads: target.workloads,
    random,
    key: (app) => target.key(app),
    rate: () => rate * shareOfHour(hour()),
    knobs: () => target.knobs(),
    maxTokens: target.simulated ? MOST_TOKENS : PAID_TOKENS,
  });
  const progress = new Progress(process.stderr);
  let phase: Phase = "well";
  const tick = setInterval(
    () => {
      const next = options.incident ? phaseAt(hour()) : "well";
      if (next !== phase) target.enter(next);
      phase = next;
      const elapsedMs = performance.now() - began;
      progress.show({ elapsedMs, hour: hour(), phase, tallies: traffic.tallies, underWay: traffic.underWay });
    },
    Math.min(TICK_MS, options.dayMs / TICKS_A_DAY),
  );
  say(`Sending to ${target.url}. Look at ${target.url}/ in a browser.\n`);
  traffic.start();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (options.durationMs !== undefined) timer = setTimeout(resolve, options.durationMs);
  });
  try {
    await Promise.race([stop, over]);
  } finally {
    clearTimeout(timer);
    clearInterval(tick);
    progress.end();
    await traffic.stop(PATIENCE_MS);
    target.enter("well");
    await target.close();
  }
  const { tallies } = traffic;
  const seconds = (performance.now() - began) / 1_000;
  if (options.json) {
    const rows = tallies.map(({ durations, ...tally }) => ({
      ...tally,
      medianMs: median(durations) ?? null,
    }));
    const { url, simulated, own } = target;
    const summary = { url, simulated, own, seconds, ...sums(tallies), traffic: rows };
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  } else process.stdout.write(summaryText(tallies));
  return sums(tallies).calls > 0 ? 0 : 1;
}

/** @throws Error saying what to do when there is nothing that it may send to. */
async function choose(options: DemoOptions, say: (text: string) => void): Promise<Target> {
  const { address } = options;
  const url = options.url?.replace(/\/+$/, "") ?? address.url;
  const found = options.own ? "nobody" : await examine(url);
  if (options.url !== undefined && typeof found === "string") {
    const what = found === "nobody" ? "does not answer" : "is not Bellwether";
    throw new Error(`${url} ${what}. Start one with \`bellwether serve\`, or leave out --url.`);
  }
  if (typeof found === "object") return running(url, found, options);
  const port = found === "stranger" ? 0 : address.port;
  if (found === "stranger") say(`Another program listens on ${url}: taking a free port.\n`);
  say(
    `No Bellwether runs${options.own ? " for this" : ` at ${url}`}: starting one with simulated upstreams.\n`,
  );
  const server = await startOwnServer({
    host: address.host,
    port,
    seed: options.seed,
    historyDays: options.history ? HISTORY_DAYS : 0,
  });
  if (server.historyCalls > 0) {
    say(`Its ledger holds ${server.historyCalls} invented calls of the last ${HISTORY_DAYS} days.\n`);
  }
  return {
    url: server.url,
    simulated: true,
    own: true,
    workloads: WORKLOADS,
    key: (app) => server.key(app),
    enter: (phase) => server.enter(phase),
    // Its upstreams have paces of their own.
    knobs: () => "",
    close: () => server.close(),
  };
}

/** A server that runs already. @throws Error when calls there would cost money, or need a key */
async function running(
  url: string,
  { simulated, upstreams }: { readonly simulated: boolean; readonly upstreams: readonly string[] },
  { keys, paid }: DemoOptions,
): Promise<Target> {
  if (!simulated && !paid) {
    throw new Error(
      `calls to ${url} go to ${upstreams.join(", ") || "its upstreams"}, which may charge for them. \`bellwether demo --own\` starts a server with simulated upstreams; --yes-it-costs sends all the same.`,
    );
  }
  const key = (app: string): string => {
    const apps = [...new Set(WORKLOADS.map((workload) => workload.app))];
    return keys[apps.indexOf(app) % Math.max(1, keys.length)] ?? "demo";
  };
  const listed = await listedModels(url, key(""));
  const workloads = WORKLOADS.filter(
    ({ model, media }) => (simulated || media !== true) && (listed?.has(model) ?? true),
  );
  if (workloads.length === 0) throw new Error(`${url} lists none of the models that the demo asks for.`);
  let phase: Phase = "well";
  return {
    url,
    simulated,
    own: false,
    workloads,
    key,
    enter: (next) => {
      phase = next;
    },
    knobs: () => (simulated ? KNOBS[phase] : undefined),
    close: () => Promise.resolve(),
  };
}
