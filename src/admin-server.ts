/**
 * The page and the admin API on node:http, each made when the first request for it comes: most processes never need
 * them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdminParts } from "./admin.ts";
import type { Admin } from "./http/admin/app.ts";
import { serveFetch } from "./http/admin/fetch-handler.ts";
import type { Guard } from "./http/admin/guard.ts";
import type { PageFiles } from "./http/admin/page-files.ts";
import { isPage } from "./http/operations.ts";

export interface AdminServer {
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** Ends the streams that would keep the process from stopping. */
  close(): void;
}

export function lazyAdmin(parts: AdminParts, guard: Guard): AdminServer {
  let admin: Promise<Admin> | undefined;
  let page: Promise<PageFiles> | undefined;
  const make = async (): Promise<Admin> => {
    const [{ adminApp }, { adminSource }] = await Promise.all([
      import("./http/admin/app.ts"),
      import("./admin.ts"),
    ]);
    return adminApp(adminSource(parts), guard);
  };
  const makePage = async (): Promise<PageFiles> =>
    new (await import("./http/admin/page-files.ts")).PageFiles();
  return {
    serve(request, response) {
      const failed = (error: unknown): void => {
        parts.log.error({ err: error }, "the admin API failed");
        response.destroy();
      };
      if (isPage(request)) {
        page ??= makePage();
        page.then((files) => files.serve(request, response)).catch(failed);
        return;
      }
      admin ??= make();
      admin.then(({ handle }) => serveFetch(handle, request, response)).catch(failed);
    },
    close() {
      admin?.then((made) => made.close()).catch(() => undefined);
    },
  };
}
