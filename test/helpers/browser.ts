/** A real Chromium for the tests of the page, and what must not happen while one looks at it. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Visit {
  readonly page: Page;
  /** Errors, refusals of the page's policy, and requests to other origins so far. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** `names` are resolved as given, in place of asking anybody. */
export function startBrowser(
  executablePath: string,
  names: Readonly<Record<string, string>> = {},
): Promise<Browser> {
  const rules = Object.entries(names).map(([name, address]) => `MAP ${name} ${address}`);
  const mapped = rules.length === 0 ? [] : [`--host-resolver-rules=${rules.join(", ")}`];
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...mapped] });
}

/** Opens an address in a profile of its own. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const { origin } = new URL(url);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refused login is a 401 that the browser tells of by itself.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`asked for ${request.url()}`);
  });
  await context.addInitScript(
    "addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))",
  );
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}
