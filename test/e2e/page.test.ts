/** The page in a real Chromium: live figures, and the API's. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { valuesIn } from "../../dashboard/show/values.ts";
import { startBrowser, visit } from "../helpers/browser.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

describeWithProgram("chromium", "the page", (chromium) => {
  let browser: Browser;
  let gateway: TestGateway;
  beforeAll(async () => {
    browser = await startBrowser(chromium);
    gateway = await startGateway({ ledger: { enabled: true } });
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
  });

  it("says how to begin, then shows figures that move with traffic and are the API's", async () => {
    const { page, complaints, close } = await visit(browser, gateway.url);
    await page.getByText("No calls in this time range.").waitFor();
    for (let i = 0; i < 6; i++) {
      await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(i === 5 && { "x-sandbox": "status=400" }) },
        body: JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }] }),
      }).then((response) => response.arrayBuffer());
    }
    await gateway.quiet();
    const figure = (name: string) => page.locator(`[data-figure=${name}]`).textContent();
    await until(() => figure("errorRate"), "16.7%");
    const overview = (await (await fetch(`${gateway.url}/api/overview`)).json()) as Record<string, number>;
    expect(overview.errorRate).toBeCloseTo(1 / 6);
    expect(await figure("callsPerSecond")).toBe("0.1");
    expect(await figure("p50")).toBe(valuesIn("en").duration(overview.p50 ?? 0));
    await page.getByLabel("Refresh now").click();
    await until(async () => {
      await page.getByLabel("Refresh now").click();
      return page.locator("tbody th").first().textContent();
    }, "gpt-4.1");
    expect(complaints).toEqual([]);
    await close();
  });
});
