/** What no call could be made of: recorded as one all the same, and refused. */
import type { BellwetherError } from "../core/errors.ts";
import { recognise } from "../usage/dialects/index.ts";
import { errorBody } from "../usage/error-shape.ts";
import { CallRecord } from "./call-record.ts";
import { splitTarget } from "./read-request.ts";
import { familyOf } from "./refusal.ts";
import type { Settings, Surroundings } from "./state.ts";

/**
 * Refuses what no call could be made of: recorded as one, answered with the returned body. Of what was not
 * HTTP, `method` and `target` may be unknown ("").
 */
export function refuseMalformed(
  error: BellwetherError,
  method: string,
  target: string,
  settings: Settings,
  around: Surroundings,
): string {
  const { path } = splitTarget(target);
  const record = new CallRecord(around, settings, method, path);
  const operation = recognise(method, path);
  if (operation !== undefined) record.endpoint = operation.endpoint;
  const body = errorBody(familyOf(operation, undefined, path), error, record.id);
  record.bytesOut = Buffer.byteLength(body);
  record.settle({ error, clientGone: false });
  return body;
}
