/**
 * The page and the admin API on node:http, each made when the first request for it comes: most processes never need
 * them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdminParts } from "./admin.ts";
import { type FetchHandler, serveFetch } from "./http/admin/fetch-handler.ts";
import type { Guard } from "./http/admin/guard.ts";
import type { PageFiles } from "./http/admin/page-files.ts";
import { isPage } from "./http/operations.ts";

export function lazyAdmin(
  parts: AdminParts,
  guard: Guard,
): (request: IncomingMessage, response: ServerResponse) => void {
  let handler: Promise<FetchHandler> | undefined;
  let page: Promise<PageFiles> | undefined;
  const make = async (): Promise<FetchHandler> => {
    const [{ adminApp }, { adminSource }] = await Promise.all([
      import("./http/admin/app.ts"),
      import("./admin.ts"),
    ]);
    return adminApp(adminSource(parts), guard);
  };
  const makePage = async (): Promise<PageFiles> =>
    new (await import("./http/admin/page-files.ts")).PageFiles();
  return (request, response) => {
    if (isPage(request)) {
      page ??= makePage();
      page.then((files) => files.serve(request, response)).catch(() => response.destroy());
      return;
    }
    handler ??= make();
    handler.then((handle) => serveFetch(handle, request, response)).catch(() => response.destroy());
  };
}
