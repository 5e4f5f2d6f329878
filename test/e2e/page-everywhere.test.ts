/** Every view of the page, in every language, wide and narrow, dark and light, and with hostile addresses. */
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { de } from "../../dashboard/messages/de.ts";
import { en } from "../../dashboard/messages/en.ts";
import { vi } from "../../dashboard/messages/vi.ts";
import { zh } from "../../dashboard/messages/zh.ts";
import { startBrowser, visit } from "../helpers/browser.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

const LANGUAGES = { en, "zh-CN": zh, de, vi };
const VIEWS = [
  "overview",
  "models",
  "apps",
  "upstreams",
  "costs",
  "calls",
  "alerts",
  "budgets",
  "routes",
  "settings",
] as const;
const LARGEST_LOAD = 100_000;

/** Bytes of the page itself as they were sent: the document, and what it loads. */
const LOADED = `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter(({ name }) => !name.includes("/api/"))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`;

const HOSTILE = [
  `"><img src=x onerror=window.hit=1>`,
  `<script>window.hit=1</script>`,
  "' OR 1=1; DROP TABLE calls; --",
  "javascript:window.hit=1",
  "../../../etc/passwd\u0000",
  "{constructor.constructor('window.hit=1')()}",
];

describeWithProgram("chromium", "every view", (chromium) => {
  let browser: Browser;
  let gateway: TestGateway;
  let callId = "";
  beforeAll(async () => {
    browser = await startBrowser(chromium);
    gateway = await startGateway({
      ledger: { enabled: true },
      apps: [
        {
          name: "shop",
          team: "commerce",
          keys: [`sha256:${"0".repeat(64)}`],
          budget: { usd: 5, per: "month" },
        },
      ],
      models: { auto: { route: true } },
      routes: [{ name: "rest", when: { model: "auto" }, use: { model: "gpt-4o-mini" } }],
      alerts: { interval: "1s" },
      upstream: { tokenBudget: { tokens: 1000, per: "day", onExceeded: "warn" } },
    });
    for (const model of ["gpt-4.1", "gpt-4.1", "gpt-4o-mini", HOSTILE[0]]) {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "Hello" }] }),
      });
      await response.arrayBuffer();
    }
    await until(async () => {
      const { calls } = (await (await fetch(`${gateway.url}/api/calls`)).json()) as {
        calls: { id: string }[];
      };
      callId = calls[0]?.id ?? "";
      return calls.length;
    }, 4);
    await failUntilAnAlertIsShown();
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });

  /** An alert on its way: its condition has no place where a narrow page could break it. */
  async function failUntilAnAlertIsShown(): Promise<void> {
    await until(async () => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sandbox": "status=500" },
        body: JSON.stringify({ model: "gpt-4.1", messages: [] }),
      });
      await response.arrayBuffer();
      const { alerts } = (await (await fetch(`${gateway.url}/api/alerts`)).json()) as {
        alerts: { name: string; state: string }[];
      };
      return alerts.find(({ name }) => name === "error-rate-high")?.state;
    }, "pending");
  }

  /** Goes there, and waits until nothing is awaited any more. */
  async function open(page: Page, hash: string): Promise<void> {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await until(
      () =>
        page.evaluate<boolean>(
          "document.querySelectorAll('.loading').length === 0 && document.querySelector('main')?.children.length > 0",
        ),
      true,
    );
  }

  it.each(Object.entries(LANGUAGES))(
    "speaks %s, fits a phone and a desk, and loads little",
    async (name, messages) => {
      const { page, complaints, close } = await visit(browser, gateway.url, { locale: name });
      await until(() => page.locator("h1").textContent(), messages["page.overview"]);
      expect(await page.evaluate("document.documentElement.lang")).toBe(name);
      const loaded = await page.evaluate<number>(LOADED);
      expect(loaded).toBeGreaterThan(20_000);
      expect(loaded).toBeLessThan(LARGEST_LOAD);
      for (const view of [...VIEWS, `call?id=${callId}`]) {
        await open(page, `#/${view}`);
        const key = `page.${view.split("?")[0]}` as keyof typeof en;
        expect(await page.locator("h1").textContent()).toBe(messages[key]);
        for (const width of [360, 1440]) {
          await page.setViewportSize({ width, height: 800 });
          // Charts take the new width a frame later.
          await until(
            async () => [view, await page.evaluate<number>("document.documentElement.scrollWidth")],
            [view, width],
          );
        }
      }
      expect(complaints).toEqual([]);
      await close();
    },
  );

  it.each(["dark", "light"] as const)("is accessible when it is %s", async (colorScheme) => {
    const { page, close } = await visit(browser, gateway.url, { colorScheme });
    await page.locator("h1").waitFor();
    await page.evaluate(axe.source);
    for (const view of [...VIEWS, `call?id=${callId}`]) {
      await open(page, `#/${view}`);
      const { violations } = await page.evaluate<{
        violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
      }>("axe.run(document, { resultTypes: ['violations'] })");
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${view}: ${id}: ${node.html} ${node.failureSummary}`),
      );
      expect(found).toEqual([]);
    }
    await close();
  });

  it("takes what stands in an address, or in a call, as text", async () => {
    const { page, complaints, close } = await visit(browser, gateway.url);
    await page.locator("h1").waitFor();
    const names = [
      "from",
      "to",
      "model",
      "app",
      "upstream",
      "status",
      "error",
      "by",
      "cursor",
      "id",
      "section",
    ];
    for (const view of ["models", "costs", "calls", "call", "settings", "upstreams"]) {
      for (const text of HOSTILE) {
        for (const params of view === "calls" ? [names, names.slice(2)] : [names.slice(2)]) {
          await open(
            page,
            `#/${view}?${params.map((each) => `${each}=${encodeURIComponent(text)}`).join("&")}`,
          );
        }
      }
    }
    await open(page, `#/${encodeURIComponent(HOSTILE[0] ?? "")}?__proto__=x`);
    await page.getByText("There is no such page.").first().waitFor();
    await open(page, `#/call?id=${callId}`);
    await page
      .getByText(HOSTILE[0] ?? "")
      .first()
      .waitFor();
    expect(await page.evaluate("window.hit")).toBeUndefined();
    expect(await page.locator("img, main script").count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });
});
