/**
 * Serves the page in the browser: a few static files that the build made (scripts/build-page.mjs), held in memory
 * once somebody has asked for them. They hold no secret, so they come without a token; all that they show is the
 * API's, which is guarded.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** What the page may do: run and load its own files, and ask its own origin. Nothing inline, nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Assets have a hash of their content in their name, and never change. */
const FOR_EVER = "public, max-age=31536000, immutable";

/** Beside the bundle, or, when the sources run uncompiled, where the build puts it. */
function builtFolder(): URL {
  return new URL(
    import.meta.url.endsWith(".js") ? "./dashboard/" : "../../../dist/dashboard/",
    import.meta.url,
  );
}

export class PageFiles {
  readonly #folder: URL;
  #files: Promise<ReadonlyMap<string, PageFile>> | undefined;

  constructor(folder: URL = builtFolder()) {
    this.#folder = folder;
  }

  /** Answers `/` and `/assets/…`. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const { method, url = "/", headers } = request;
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return plain(response, 405, "The page is read with GET.\n");
    }
    // Read again after a failure: the build may have been run since.
    this.#files ??= readFiles(this.#folder);
    const files = await this.#files.catch(() => undefined);
    if (files === undefined) {
      this.#files = undefined;
      return plain(response, 503, "The page has not been built: run `npm run build`.\n");
    }
    const path = url.split("?", 1)[0] ?? "/";
    const file = files.get(path);
    if (file === undefined) return plain(response, 404, "There is nothing here.\n");
    response.setHeader("cache-control", path === "/" ? "no-cache" : FOR_EVER);
    response.setHeader("vary", path === "/" ? "Accept, Accept-Encoding" : "Accept-Encoding");
    response.setHeader("etag", file.etag);
    if (headers["if-none-match"]?.includes(file.etag) === true) {
      response.writeHead(304).end();
      return;
    }
    const zipped = /\bgzip\b/.test(String(headers["accept-encoding"] ?? ""));
    const body = zipped ? file.gzipped : file.plain;
    if (zipped) response.setHeader("content-encoding", "gzip");
    response.writeHead(200, { "content-type": file.type, "content-length": body.length });
    response.end(method === "HEAD" ? undefined : body);
  }
}

async function readFiles(folder: URL): Promise<ReadonlyMap<string, PageFile>> {
  const assets = await readdir(new URL("assets/", folder));
  const paths = [
    "index.html",
    ...assets.filter((name) => !name.endsWith(".gz")).map((name) => `assets/${name}`),
  ];
  const files = paths.map(async (path): Promise<[string, PageFile]> => {
    const [content, gzipped] = await Promise.all([
      readFile(new URL(path, folder)),
      readFile(new URL(`${path}.gz`, folder)),
    ]);
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
    const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    // Weak: the compressed copy is another text of the same.
    return [path === "index.html" ? "/" : `/${path}`, { type, etag: `W/"${hash}"`, plain: content, gzipped }];
  });
  return new Map(await Promise.all(files));
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.setHeader("cache-control", "no-store");
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}
