/**
 * A fire drill: a gateway in front of a simulated relay, both of its own, and the real channels. The relay breaks, an
 * alert fires, the channels are told; the relay heals, and they are told that it is over. Through Prometheus and
 * Alertmanager when wished, with the files that `bellwether stack` writes.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultConfig } from "./config/defaults.ts";
import type { Config, NotifyRoute } from "./config/schema.ts";
import type { Severity } from "./core/alert.ts";
import { type Running, serve } from "./main.ts";
import { type Beside, routesOf, startBeside } from "./stack/beside.ts";
import { version } from "./version.ts";

export const DRILL_ALERT = "fire-drill";

export interface DrillOptions {
  readonly channels: Config["channels"];
  readonly notify: Config["notify"];
  readonly severity: Severity;
  /** What evaluates the alert and routes it. */
  readonly through: "bellwether" | "prometheus";
  /** Where the programs are looked for; `PATH`. */
  readonly searchPath: string;
  /** Told of each thing that has happened. */
  readonly onStep: (step: DrillStep) => void;
  /** Gives up waiting after so many milliseconds. */
  readonly patienceMs?: number;
}

export interface DrillStep {
  readonly what: "ready" | "broken" | "fires" | "told" | "healed" | "resolved" | "told it is over";
  readonly channel?: string;
  /** Milliseconds since the relay broke, or since it was healed; of what comes after. */
  readonly ms?: number;
}

export interface DrillResult {
  readonly channel: string;
  /** Milliseconds from the fault to the message; undefined when none arrived. */
  readonly toldMs: number | undefined;
  /** Milliseconds from the healing to the message that it is over; undefined when none arrived. */
  readonly overMs: number | undefined;
}

const PATIENCE_MS = 90_000;
const POLL_MS = 50;
const CALL_MS = 40;
/** Calls that go well before the relay breaks, so that the alert is seen to be quiet. */
const QUIET_MS = 2_500;
const WINDOW_MS = 10_000;
const INTERVAL_MS = 1_000;
const MS_PER_SECOND = 1_000;
/** So that a stumble of a busy machine does not end it twice. */
const KEEP_MS = 3_000;

/** Runs the drill. @throws Error when it cannot be set up, as when Prometheus is not installed. */
export async function fireDrill(options: DrillOptions): Promise<DrillResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "bellwether-drill-"));
  const config = drillConfig(options, join(folder, "alerts.json"));
  const inProcess = options.through === "bellwether";
  const loaded = { config, file: undefined, files: [], warnings: [], locate: () => undefined };
  const gateway = await serve({ cwd: folder, env: {}, logLevel: "silent", load: async () => loaded });
  let beside: Beside | undefined;
  try {
    if (!inProcess) {
      const { url } = gateway;
      const { searchPath } = options;
      const intervalS = INTERVAL_MS / MS_PER_SECOND;
      beside = await startBeside({ url, version, config, folder, intervalS, searchPath });
    }
    return await play(
      gateway,
      beside === undefined ? ownAlerts(gateway) : alertsOf(beside.prometheus),
      options,
    );
  } finally {
    await beside?.stop();
    await gateway.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The user's channels and routes without their waiting; everything else as if there were no configuration. */
function drillConfig({ channels, notify, severity, through }: DrillOptions, statePath: string): Config {
  const above = { unit: "ratio", value: 0.5 } as const;
  return {
    ...defaultConfig,
    server: { ...defaultConfig.server, port: 0 },
    ledger: { ...defaultConfig.ledger, enabled: false },
    channels,
    notify: drillRoutes(channels, notify),
    alerts: {
      ...defaultConfig.alerts,
      defaults: "off",
      sender: through === "bellwether" ? "bellwether" : "alertmanager",
      interval: INTERVAL_MS,
      statePath,
      custom: [
        {
          name: DRILL_ALERT,
          metric: "error-rate",
          where: {},
          by: ["upstream"],
          quantile: 0.95,
          above,
          window: WINDOW_MS,
          for: 0,
          keep: KEEP_MS,
          severity,
        },
      ],
    },
  };
}

function drillRoutes(channels: Config["channels"], notify: Config["notify"]): NotifyRoute[] {
  return routesOf({ channels, notify }).flatMap((route) => {
    const to = route.to.filter((name) => name in channels);
    return to.length === 0 ? [] : [{ ...route, to, groupWait: 0, groupInterval: INTERVAL_MS }];
  });
}

/** What the drill looks at besides the channels. */
interface AlertSource {
  firing(): Promise<boolean>;
}

function ownAlerts({ url }: Running): AlertSource {
  return {
    async firing() {
      const response = await fetch(`${url}/api/alerts`);
      const { alerts } = (await response.json()) as { alerts: { name: string; state: string }[] };
      return alerts.some(({ name, state }) => name === DRILL_ALERT && state === "firing");
    },
  };
}

function alertsOf(prometheus: string): AlertSource {
  return {
    async firing() {
      const response = await fetch(`${prometheus}/api/v1/alerts`);
      const { data } = (await response.json()) as {
        data: { alerts: { labels: { alertname: string }; state: string }[] };
      };
      return data.alerts.some(({ labels, state }) => labels.alertname === DRILL_ALERT && state === "firing");
    },
  };
}

async function play(gateway: Running, source: AlertSource, options: DrillOptions): Promise<DrillResult[]> {
  const { onStep, patienceMs = PATIENCE_MS } = options;
  const channels = Object.keys(options.channels);
  const traffic = new Traffic(gateway.url);
  try {
    await traffic.flows(QUIET_MS);
    onStep({ what: "ready" });

    await traffic.knobs(gateway, "POST", { failRate: 1 });
    onStep({ what: "broken" });
    const told = await watch("fires", "told", true, 1);

    await traffic.knobs(gateway, "DELETE");
    onStep({ what: "healed" });
    const reached = channels.filter((name) => told.has(name));
    const over = reached.length === 0 ? new Map() : await watch("resolved", "told it is over", false, 2);
    return channels.map((channel) => ({
      channel,
      toldMs: told.get(channel),
      overMs: over.get(channel),
    }));
  } finally {
    await traffic.stop();
  }

  /** Waits until the alert is in a state and every channel has got so many messages; when each of them had. */
  async function watch(
    fires: DrillStep["what"],
    tells: DrillStep["what"],
    wanted: boolean,
    messages: number,
  ): Promise<Map<string, number>> {
    const since = performance.now();
    const at = new Map<string, number>();
    let turned = false;
    while (at.size < channels.length && performance.now() - since < patienceMs) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const ms = Math.round(performance.now() - since);
      if (!turned && (await source.firing()) === wanted) {
        turned = true;
        onStep({ what: fires, ms });
      }
      const sent = await sentTo(gateway);
      for (const channel of channels) {
        if (at.has(channel) || (sent.get(channel) ?? 0) < messages) continue;
        at.set(channel, ms);
        onStep({ what: tells, channel, ms });
      }
    }
    return at;
  }
}

/** How many messages each channel has accepted. */
async function sentTo({ url }: Running): Promise<Map<string, number>> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const lines = page.matchAll(/^bellwether_notifications_total\{channel="([^"]+)",outcome="sent"\} (\d+)/gm);
  return new Map([...lines].map(([, channel = "", count]) => [channel, Number(count)]));
}

/** Calls at a steady pace, until it is stopped. */
class Traffic {
  readonly #url: string;
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#running = this.#run();
  }

  async flows(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async knobs({ sandbox }: Running, method: "POST" | "DELETE", knobs?: object): Promise<void> {
    const body = knobs === undefined ? {} : { body: JSON.stringify(knobs) };
    const response = await fetch(`${sandbox?.url ?? ""}/sandbox/knobs`, { method, ...body });
    if (!response.ok) throw new Error(`the simulated relay refused: ${await response.text()}`);
    await response.arrayBuffer();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    const body = JSON.stringify({ model: "gpt-4.1-mini", messages: [{ role: "user", content: "A drill." }] });
    while (!signal.aborted) {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${this.#url}/v1/chat/completions`, { method: "POST", headers, body });
      await response.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, CALL_MS));
    }
  }
}
