/** The page's files as they are served: to whom, how long they may be kept, and what they may do. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { PageFiles } from "../../src/http/admin/page-files.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ server: { adminToken: "an-admin-token-of-some-length" } });
});
afterAll(() => gateway.close());

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${gateway.url}${path}`, { method, headers: { "accept-encoding": "identity", ...headers } });
const html = { accept: "text/html,application/xhtml+xml" };

async function assets(): Promise<string[]> {
  const text = await (await get("/", html)).text();
  return [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
}

it("a browser gets the page at /, without a token; others get words", async () => {
  const page = await get("/", html);
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await page.text()).toContain("<title>Bellwether</title>");
  const words = await get("/", { accept: "*/*" });
  expect(words.headers.get("content-type")).toContain("text/plain");
  expect(words.headers.get("vary")).toContain("Accept");
  expect(await words.text()).toContain("in a browser");
});

it("nothing inline and nothing from elsewhere may run", async () => {
  const { headers } = await get("/", html);
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  const text = await (await get("/", html)).text();
  expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|style=/i);
});

it("what has its hash in the name is kept for ever, the page is asked for again", async () => {
  const found = await assets();
  expect(found.length).toBeGreaterThanOrEqual(3);
  for (const path of found) {
    const { status, headers } = await get(path);
    expect([path, status, headers.get("cache-control")]).toEqual([
      path,
      200,
      "public, max-age=31536000, immutable",
    ]);
    expect(headers.get("content-type")).toMatch(/^(text\/(javascript|css); charset=utf-8|image\/svg\+xml)$/);
  }
  const page = await get("/", html);
  expect(page.headers.get("cache-control")).toBe("no-cache");
  const again = await get("/", { ...html, "if-none-match": page.headers.get("etag") ?? "" });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

it("compressed is the same, and smaller", async () => {
  for (const path of await assets()) {
    const plain = Buffer.from(await (await get(path)).arrayBuffer());
    const file = await fetch(`${gateway.url}${path}`, { headers: { "accept-encoding": "gzip" } });
    expect(file.headers.get("content-encoding")).toBe("gzip");
    expect(Number(file.headers.get("content-length"))).toBeLessThan(plain.length);
    // fetch unpacks it.
    expect(Buffer.from(await file.arrayBuffer()).equals(plain)).toBe(true);
  }
});

it("there is nothing else, and nothing to write", async () => {
  for (const path of ["/assets/", "/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/.sources"]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  expect((await get("/", html, "POST")).status).toBe(405);
  const head = await get("/", html, "HEAD");
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

it("a page that was not built says what to run", async () => {
  const { createServer } = await import("node:http");
  const files = new PageFiles(new URL("file:///nowhere/"));
  const server = createServer((request, response) => void files.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("npm run build")]);
  server.close();
});
