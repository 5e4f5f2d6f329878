/** Which calls may be made twice at a time: those that ask for text, and change nothing where they are asked. */
import { fields, items } from "../usage/dialects/fields.ts";
import type { Endpoint } from "../usage/usage.ts";
import type { ReadRequest } from "./read-request.ts";
import type { Settings } from "./state.ts";

/** What a second attempt costs is bounded there, and what it does is an answer and nothing more. */
const HEDGED: ReadonlySet<Endpoint> = new Set<Endpoint>([
  "chat",
  "completions",
  "responses",
  "embeddings",
  "messages",
  "generate",
]);

/** Members of a body that make the call leave something behind: a stored answer, a conversation that goes on, a job. */
const LASTING = ["store", "background", "conversation", "mcp_servers"];

/** Whether a second attempt beside the first does no harm. Probes are about one upstream, and are never hedged. */
export function mayBeHedged({ operation, head, parsed: { json } }: ReadRequest, settings: Settings): boolean {
  if (settings.probe === true || !operation.billable || !HEDGED.has(operation.endpoint)) return false;
  // Who names a call so wants it to be made once.
  for (let at = 0; at < head.forward.length; at += 2) {
    if (head.forward[at]?.toLowerCase() === "idempotency-key") return false;
  }
  const body = fields(json);
  // The Responses API stores what is not said to be passing.
  if (operation.endpoint === "responses" && body.store !== false) return false;
  if (LASTING.some((name) => body[name] !== undefined && body[name] !== false && body[name] !== null))
    return false;
  // Such tools act on the world, at the vendor's.
  return !items(body.tools).some((tool) => fields(tool).type === "mcp");
}
