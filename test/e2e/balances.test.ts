/** Every balance poller against the simulated relay, which tells its account in the way of each vendor. */
import { afterEach, describe, expect, test } from "vitest";
import { startExporter, type TestExporter } from "../helpers/exporter.ts";
import { rowsOf } from "../helpers/page.ts";

let exporter: TestExporter;
afterEach(() => exporter.close());

/** How each kind of account is configured for the sandbox, whose base URL ends in /v1. */
const POLLERS: Readonly<Record<string, object>> = {
  billing: {},
  "one-api": {},
  "new-api": {},
  openrouter: { url: "/api/v1/credits" },
  deepseek: {},
  siliconflow: { currency: "CNY" },
  moonshot: { currency: "CNY" },
  "openai-costs": {},
  custom: { url: "/v1/billing", pointer: "/remaining", currency: "EUR" },
};
/** In what each account is told. */
const CURRENCY: Readonly<Record<string, string>> = { siliconflow: "CNY", moonshot: "CNY", custom: "EUR" };

async function start(poller: string, knobs: Record<string, unknown>): Promise<void> {
  const upstream = { balance: { poller, ...POLLERS[poller] } };
  exporter = await startExporter({ upstream, probes: { modules: ["balance"], interval: "1h" } }, { knobs });
}

/** The accounts as the metrics show them: `balance`, `used`, `limit` and `unlimited` by currency. */
async function accounts(): Promise<Record<string, Record<string, number>>> {
  const { body, status } = await exporter.probe("balance");
  expect(status).toBe(200);
  const page = await exporter.page();
  const shown: Record<string, Record<string, number>> = {};
  const names = {
    balance: "balance",
    used: "quota_used",
    limit: "quota_limit",
    unlimited: "balance_unlimited",
  };
  for (const [name, metric] of Object.entries(names)) {
    for (const { labels, value } of rowsOf(page, `bellwether_upstream_${metric}`)) {
      const { currency = "" } = labels;
      shown[currency] = { ...shown[currency], [name]: Number(value) };
    }
  }
  expect(body).toContain(`\nprobe_success ${Object.keys(shown).length > 0 ? 1 : 0}\n`);
  return shown;
}

describe.each(Object.keys(POLLERS))("%s", (poller) => {
  const currency = CURRENCY[poller] ?? "USD";

  test.each([false, true])("reads what is left (numbers as text: %s)", async (textAmounts) => {
    await start(poller, { balance: 12.5, textAmounts });
    const { [currency]: shown, ...others } = await accounts();
    expect(others).toEqual({});
    // OpenAI tells what was spent only.
    if (poller === "openai-costs") expect(shown).toEqual({ used: 0, unlimited: 0 });
    else expect(shown).toMatchObject({ balance: 12.5, unlimited: 0 });
    const complete = ["one-api", "new-api", "openrouter"].includes(poller);
    if (complete) expect(shown).toMatchObject({ used: 0, limit: 12.5 });
  });

  test.each([
    ["a refusal", { status: 401 }, "auth"],
    ["an error in a 200", { status: 200, errorCode: "server_error" }, "upstream_5xx"],
    ["a web page", { html: true }, "malformed"],
    ["half an answer", { half: "json" }, "malformed"],
  ])("%s is a failure and no balance", async (_name, knobs, outcome) => {
    await start(poller, knobs);
    expect(await accounts()).toEqual({});
    const outcomes = rowsOf(await exporter.page(), "bellwether_probes_total").map(
      ({ labels }) => labels.outcome,
    );
    expect(outcomes).toEqual([outcome]);
  });
});

describe("without a limit", () => {
  test.each(["one-api", "new-api"])("%s shows no balance, and not 100,000,000", async (poller) => {
    await start(poller, { unlimited: true });
    expect(await accounts()).toEqual({ USD: { used: 0, unlimited: 1 } });
    const told = (await exporter.page()).split("\n").filter((line) => line.startsWith("bellwether_upstream"));
    expect(told.filter((line) => / (100000000|1e\+?8)$/.test(line))).toEqual([]);
  });
});

test("yuan stay yuan, and are not added to the dollars of a dashboard", async () => {
  await start("deepseek", { balance: 88.8, currency: "CNY" });
  expect(await accounts()).toEqual({ CNY: { balance: 88.8, unlimited: 0 } });
  expect(rowsOf(await exporter.page("holysheep"), "holysheep_budget_remaining")).toEqual([]);
});

test("the holysheep profile shows quota and what remains", async () => {
  await start("one-api", { balance: 40 });
  await accounts();
  const page = await exporter.page("holysheep");
  const shown = ["holysheep_quota_used", "holysheep_quota_total", "holysheep_budget_remaining"];
  expect(shown.map((name) => rowsOf(page, name).map(({ value }) => value))).toEqual([["0"], ["40"], ["40"]]);
});

test("an empty account and an expired key are states of the key", async () => {
  await start("new-api", { balance: 0 });
  await accounts();
  const state = async () =>
    rowsOf(await exporter.page(), "bellwether_upstream_key_state").find(({ value }) => value === "1")?.labels
      .state;
  expect(await state()).toBe("no_quota");
  const expires = Math.floor(Date.now() / 1000) - 60;
  exporter.sandbox.set({ balance: 5, keyExpires: expires });
  await accounts();
  expect(await state()).toBe("expired");
  const [expiry] = rowsOf(await exporter.page(), "bellwether_upstream_key_expiry_timestamp_seconds");
  expect(expiry?.value).toBe(String(expires));
});
