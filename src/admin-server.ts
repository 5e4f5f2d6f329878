/** The admin API on node:http, made when the first request for it comes: most processes never need it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdminParts } from "./admin.ts";
import { type FetchHandler, serveFetch } from "./http/admin/fetch-handler.ts";
import type { Guard } from "./http/admin/guard.ts";

export function lazyAdmin(
  parts: AdminParts,
  guard: Guard,
): (request: IncomingMessage, response: ServerResponse) => void {
  let handler: Promise<FetchHandler> | undefined;
  const make = async (): Promise<FetchHandler> => {
    const [{ adminApp }, { adminSource }] = await Promise.all([
      import("./http/admin/app.ts"),
      import("./admin.ts"),
    ]);
    return adminApp(adminSource(parts), guard);
  };
  return (request, response) => {
    handler ??= make();
    handler.then((handle) => serveFetch(handle, request, response)).catch(() => response.destroy());
  };
}
