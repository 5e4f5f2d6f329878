/**
 * The meter library records what the gateway records: the same clients make the same calls over both, against
 * sandboxes alike, and every field of every record that is not a time must be equal.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { CallLog } from "../../src/gateway/call-log.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { createMeter, type Meter, type Usage } from "../../src/sdk/index.ts";
import { tokenizer } from "../../src/sdk/tokenizer.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { rowsOf, sums } from "../helpers/page.ts";
import { anthropicErrors, anthropicLeaving, anthropicMessages } from "../helpers/scenarios/anthropic.ts";
import {
  openaiChat,
  openaiErrors,
  openaiLeaving,
  openaiResponses,
  openaiRest,
} from "../helpers/scenarios/openai.ts";
import { openaiMedia } from "../helpers/scenarios/openai-media.ts";
import type { Scenario } from "../helpers/scenarios/scenario.ts";
import { vercelErrors, vercelLeaving, vercelScenarios } from "../helpers/scenarios/vercel.ts";
import { type Place, placeOf } from "../helpers/twins.ts";
import { until } from "../helpers/until.ts";

let gateway: TestGateway;
let sandbox: Sandbox;
let meter: Meter;
const overGateway: Usage[] = [];
const overMeter: Usage[] = [];

beforeAll(async () => {
  vi.spyOn(CallLog.prototype, "settled").mockImplementation((usage) => void overGateway.push(usage));
  gateway = await startGateway();
  sandbox = await startSandbox();
  // The gateway learns the relay's models when it meets one that it does not know; the meter is told.
  await fetch(`${gateway.url}/v1/embeddings`, { method: "POST", body: '{"model":"unheard-of"}' });
  await until(() => gateway.sandbox.books.total({ endpoint: "models" }).completed, 1);
  const authorization = `Bearer ${SANDBOX_KEY}`;
  const list = await fetch(`${sandbox.url}/v1/models`, { headers: { authorization } });
  const { data } = (await list.json()) as { data: { id: string }[] };
  meter = createMeter({
    upstream: "relay",
    models: data.map(({ id }) => id),
    estimator: tokenizer(),
    onUsage: (usage) => overMeter.push(usage),
    onError: (error) => expect.unreachable(String(error)),
  });
});

afterAll(async () => {
  vi.restoreAllMocks();
  await gateway.close();
  await sandbox.close();
});

beforeEach(() => {
  gateway.sandbox.reset();
  sandbox.reset();
  overGateway.length = 0;
  overMeter.length = 0;
});

/** What the client did is of no interest here, nor whether it was to fail. */
const tried = (run: Scenario["run"], place: Place) => run(place).catch(() => undefined);

async function over(run: Scenario["run"]): Promise<void> {
  await tried(run, placeOf(gateway.url, gateway.sandbox));
  await tried(run, { ...placeOf(sandbox.url, sandbox), fetch: meter.fetch });
  await gateway.quiet();
  await until(() => sandbox.books.inFlight, 0);
  await until(() => overMeter.length, overGateway.length);
}

/** All but times, ids, and the bytes sent on: `fetch` hands an answer out decoded. */
function comparable(usage: Usage): object {
  const {
    id: _,
    startedAt: __,
    durationMs: ___,
    firstTokenMs,
    firstByteMs,
    sentMs,
    overheadMs: ____,
    ...rest
  } = usage;
  const { bytesOut: _____, ...fields } = rest;
  const seen = { firstToken: firstTokenMs, firstByte: firstByteMs, sent: sentMs };
  const told = Object.entries(seen).map(([name, ms]) => [name, ms !== undefined]);
  return { ...fields, ...Object.fromEntries(told) };
}

const scenarios = [
  ...[...openaiChat, ...openaiResponses, ...openaiRest, ...openaiMedia, ...openaiErrors],
  ...[...anthropicMessages, ...anthropicErrors],
  ...[...vercelScenarios, ...vercelErrors],
];

describe("records are equal when a client", () => {
  it.each(scenarios)("$name", async ({ run }) => {
    await over(run);
    expect(overGateway.length).toBeGreaterThan(0);
    expect(overMeter.map(comparable)).toStrictEqual(overGateway.map(comparable));
  });
});

describe("ends are equal when a client", () => {
  /** How much had come when it left depends on the moment. */
  const end = ({ status, errorType, source, billable }: Usage) => ({ status, errorType, source, billable });

  it.each([...openaiLeaving, anthropicLeaving, vercelLeaving])("$name", async ({ run }) => {
    await over(run);
    expect(overMeter.map(end)).toStrictEqual(overGateway.map(end));
    expect(overMeter.map(end)).toContainEqual(
      expect.objectContaining({ status: 499, errorType: "client_gone" }),
    );
  });
});

it("counts the same on the metrics page", async () => {
  const [chat] = openaiChat;
  const [before, there] = [await meter.metrics(), await gateway.page()];
  await over(chat?.run ?? expect.unreachable());
  const [after, now] = [await meter.metrics(), await gateway.page()];
  for (const name of ["requests", "input_tokens", "output_tokens", "cost_usd", "usage_records"]) {
    const metric = `bellwether_${name}_total`;
    const grown = (page: string, from: string): Record<string, string> => {
      const rows = [...rowsOf(page, metric)];
      const old = rowsOf(from, metric).map((row) => ({ ...row, value: `-${row.value}` }));
      return sums([...rows, ...old.filter(({ value }) => value !== "-0")], "upstream", "model");
    };
    expect(grown(after, before)).not.toEqual({});
    expect(grown(after, before), metric).toEqual(grown(now, there));
  }
});
