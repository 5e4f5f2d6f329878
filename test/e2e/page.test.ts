/** The page in a real Chromium: live figures, the way from a view into the next, forms, and who is let in. */
import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { valuesIn } from "../../dashboard/show/values.ts";
import { startBrowser, type Visit, visit } from "../helpers/browser.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

const TOKEN = "an-admin-token-of-some-length";

async function chat(url: string, body: object = {}, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }], ...body }),
  });
  await response.arrayBuffer();
}

const heading = (page: Page) => page.locator("h1").textContent();
const figure = (page: Page, name: string) => page.locator(`[data-figure=${name}]`).textContent();

/** Asks again until it shows what was wanted: the ledger takes rows over once a second. */
function shows<T>(page: Page, read: () => Promise<T>, wanted: T): Promise<void> {
  return until(async () => {
    const found = await read();
    if (found !== wanted) await page.getByLabel("Refresh now").click();
    return found;
  }, wanted);
}

describeWithProgram("chromium", "the page", (chromium) => {
  let browser: Browser;
  let gateway: TestGateway;
  let here: Visit;
  beforeAll(async () => {
    browser = await startBrowser(chromium, { "bellwether.example": "127.0.0.1" });
    gateway = await startGateway({
      ledger: { enabled: true },
      models: { auto: { route: true } },
      routes: [
        { name: "code", when: { model: "auto", prompt: "bug" }, use: { model: "gpt-4.1" } },
        { name: "rest", when: { model: "auto" }, use: { model: "gpt-4o-mini" } },
      ],
      upstream: { budget: { usd: 10, per: "month" } },
    });
    here = await visit(browser, gateway.url);
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });

  it("says how to begin, then shows figures that move with traffic and are the API's", async () => {
    const { page } = here;
    await page.getByText("No calls in this time range.").waitFor();
    for (let i = 0; i < 5; i++) await chat(gateway.url);
    await chat(gateway.url, { model: "gpt-4o-mini" }, { "x-sandbox": "status=400" });
    await gateway.quiet();
    await until(() => figure(page, "errorRate"), "16.7%");
    const overview = (await (await fetch(`${gateway.url}/api/overview`)).json()) as Record<string, number>;
    expect(overview.errorRate).toBeCloseTo(1 / 6);
    expect(await figure(page, "callsPerSecond")).toBe("0.1");
    expect(await figure(page, "p50")).toBe(valuesIn("en").duration(overview.p50 ?? 0));
    await shows(
      page,
      () => page.locator("tbody th").allTextContents().then(String),
      "gpt-4.1,gpt-4o-mini,relay,anonymous",
    );
    await chat(gateway.url);
    await until(async () => (await figure(page, "callsPerSecond"))?.slice(0, 5), "0.117");
  });

  it("leads by clicks from a model to its calls, to one call, and back", async () => {
    const { page } = here;
    await page.getByRole("link", { name: "Models" }).click();
    await until(() => heading(page), "Models");
    await shows(page, () => figure(page, "calls"), "7");
    const report = (await (await fetch(`${gateway.url}/api/reports/summary?from=24h`)).json()) as {
      tables: { columns: { name: string }[]; totals: unknown[] }[];
    };
    const at = report.tables[0]?.columns.findIndex(({ name }) => name === "cost_usd") ?? -1;
    expect(await figure(page, "cost")).toBe(valuesIn("en").money(String(report.tables[0]?.totals[at])));
    await page.getByRole("link", { name: "gpt-4o-mini", exact: true }).click();
    await until(() => heading(page), "Calls");
    await until(() => page.locator("tbody tr").count(), 1);
    expect(await page.locator(".chips").textContent()).toContain("gpt-4o-mini");
    await page.locator("tbody th a").click();
    await until(() => heading(page), "Call");
    await page.getByText("Timeline").waitFor();
    expect(await page.locator(".tile").first().textContent()).toContain("400");
    await page.goBack();
    await page.getByRole("link", { name: "Remove the filter Model" }).click();
    await until(() => page.locator("tbody tr").count(), 7);
    await page.getByLabel("Status", { exact: true }).fill("4*");
    await page.getByRole("button", { name: "Search" }).click();
    await until(() => page.locator("tbody tr").count(), 1);
  });

  it("is worked by keyboard alone", async () => {
    const { page } = here;
    await page.goto(`${gateway.url}/#/costs`);
    await until(() => heading(page), "Costs");
    await page.reload();
    await until(() => heading(page), "Costs");
    const focused = () => page.evaluate("document.activeElement?.textContent?.trim()");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement?.tagName")).toBe("MAIN");
    await page.reload();
    await until(() => heading(page), "Costs");
    for (let i = 0; i < 4; i++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("Models");
    const outline = "getComputedStyle(document.activeElement).outlineStyle";
    expect(await page.evaluate(outline)).toBe("solid");
    await page.keyboard.press("Enter");
    await until(() => heading(page), "Models");
  });

  it("takes the chosen stretch along, sorts, and keeps the colours chosen", async () => {
    const { page } = here;
    await page.goto(`${gateway.url}/#/models`);
    await page.getByLabel("Time range").selectOption("7d");
    await until(() => page.evaluate("location.hash"), "#/models?from=7d");
    await page.getByRole("link", { name: "Apps" }).click();
    await until(() => page.evaluate("location.hash"), "#/apps?from=7d");
    await page.goto(`${gateway.url}/#/models?from=7d`);
    const names = () => page.locator("tbody th a:first-child").allTextContents();
    await until(names, ["gpt-4.1", "gpt-4o-mini"]);
    await page.getByRole("button", { name: "Model", exact: true }).click();
    await page.getByRole("button", { name: /^Model/ }).click();
    await until(names, ["gpt-4o-mini", "gpt-4.1"]);
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    await page.getByLabel("Colours").selectOption("dark");
    const dark = await ground();
    await page.getByLabel("Colours").selectOption("light");
    expect(await ground()).not.toBe(dark);
    await page.reload();
    await until(() => page.evaluate("document.documentElement.dataset.theme"), "light");
  });

  it("zooms into the stretch that is dragged over on a chart, and back by the browser's own button", async () => {
    const { page } = here;
    await page.goto(`${gateway.url}/#/overview?from=6h`);
    const plot = page.locator(".u-over").first();
    await plot.waitFor();
    const box = await plot.boundingBox();
    if (box === null) throw new Error("the chart has no place");
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width / 4, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, middle, { steps: 4 });
    await page.mouse.up();
    const params = async () =>
      new URLSearchParams((await page.evaluate<string>("location.hash")).split("?")[1]);
    await until(async () => (await params()).has("to"), true);
    const [from, to] = [
      Date.parse((await params()).get("from") ?? ""),
      Date.parse((await params()).get("to") ?? ""),
    ];
    // A quarter of six hours, give or take a few pixels.
    expect((to - from) / 60_000).toBeGreaterThan(80);
    expect((to - from) / 60_000).toBeLessThan(100);
    await page.getByLabel("From").waitFor();
    await page.goBack();
    await until(() => page.evaluate("location.hash"), "#/overview?from=6h");
  });

  it("silences an alert and ends it, tests a route, shows budgets and the settings", async () => {
    const { page } = here;
    await page.goto(`${gateway.url}/#/alerts`);
    await page.getByText("alertname=high-latency").first().waitFor({ state: "detached" });
    await page.locator("[name=matchers]").fill("alertname=high-*");
    await page.getByRole("button", { name: "Silence", exact: true }).click();
    await page.getByText("alertname=high-*").waitFor();
    await page.getByRole("button", { name: "End" }).click();
    await page.getByText("Nothing is silenced.").waitFor();
    await page.locator("[name=matchers]").fill("nonsense");
    await page.getByRole("button", { name: "Silence", exact: true }).click();
    await page.getByText("Write it as label=value").waitFor();

    await page.getByRole("link", { name: "Routes" }).click();
    await page.locator("[name=prompt]").fill("there is a bug");
    await page.getByRole("button", { name: "Explain" }).click();
    await until(() => figure(page, "place"), "relay / gpt-4.1");
    await page.locator("[name=prompt]").fill("hello");
    await page.getByRole("button", { name: "Explain" }).click();
    await until(() => figure(page, "place"), "relay / gpt-4o-mini");

    await page.getByRole("link", { name: "Budgets" }).click();
    await page.getByText("of $10.00").waitFor();

    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByText("requestTimeout").waitFor();
    expect(await page.locator("main").textContent()).not.toMatch(/sandbox-key-[0-9a-z]{8,}/);
    await page.getByRole("searchbox").fill("apiKey");
    await page.getByText("requestTimeout").waitFor({ state: "detached" });
    await page.getByText("apiKey").waitFor();
  });

  it("did all that without an error, a refusal of its policy, or a request elsewhere", () => {
    expect(here.complaints).toEqual([]);
  });

  it("tells whoever asks by another name why it is closed", async () => {
    const url = gateway.url.replace("127.0.0.1", "bellwether.example");
    const { page, complaints, close } = await visit(browser, url);
    await page.getByText("Not open to this browser").waitFor();
    expect(await page.locator("main").textContent()).toContain("server.adminToken");
    expect(complaints).toEqual([]);
    await close();
  });

  it("puts costs together by a label of apps", async () => {
    const key = `sha256:${createHash("sha256").update("shop-key").digest("hex")}`;
    const labelled = await startGateway({
      server: { auth: "keys" },
      ledger: { enabled: true },
      apps: [{ name: "shop", keys: [key], labels: { env: "prod" } }],
    });
    await chat(labelled.url, {}, { authorization: "Bearer shop-key" });
    await chat(labelled.url);
    const { page, complaints, close } = await visit(browser, labelled.url);
    await page.goto(`${labelled.url}/#/costs`);
    await shows(page, () => page.locator("tbody tr").count(), 2);
    await page.getByLabel("Group by").selectOption({ label: "By label env" });
    await until(() => page.evaluate("location.hash"), "#/costs?by=label%3Aenv");
    await until(() => page.locator("tbody th").allTextContents(), ["prod", "–"]);
    await page.getByRole("heading", { name: "By label env" }).waitFor();
    expect(complaints).toEqual([]);
    await close();
    await labelled.close();
  });

  it("asks for the token, keeps it from scripts, and forgets it when told to", async () => {
    const guarded = await startGateway({ server: { adminToken: TOKEN } });
    const { page, complaints, close } = await visit(browser, guarded.url);
    await page.getByLabel("Admin token").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("That is not the admin token.").waitFor();
    await page.getByLabel("Admin token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await until(() => heading(page), "Overview");
    // There is no ledger here, which it says.
    await page.getByText("The ledger is switched off").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    expect(await page.evaluate("document.cookie + JSON.stringify(localStorage)")).not.toContain(TOKEN);
    expect(await page.evaluate("document.cookie")).toBe("");
    await page.reload();
    await until(() => heading(page), "Overview");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Admin token").waitFor();
    expect(complaints).toEqual([]);
    await close();
    await guarded.close();
  });

  it("says when it has lost its Bellwether, and goes on by itself when that is there again", async () => {
    const first = await startGateway();
    const { page, close } = await visit(browser, first.url);
    await page.getByText("Live", { exact: true }).waitFor();
    await first.close();
    await page.getByText("Connection lost, trying again…").waitFor();
    const second = await startGateway({ server: { port: Number(new URL(first.url).port) } });
    await page.getByText("Live", { exact: true }).waitFor();
    await close();
    await second.close();
  });
});
