/**
 * Every other path under `/v1` and `/v1beta`: relayed and counted, not metered. An answer may well hold
 * a `usage` (a batch, a stored run), but of calls that were made at another time.
 */
import type { Dialect, Operation, RequestBody, RequestFacts } from "../dialect.ts";
import { fields, name } from "./fields.ts";
import { isUnder } from "./openai-request.ts";

export const other: Dialect = {
  name: "other",
  family: "openai",
  sharedPath: true,
  countsTokens: false,
  usageKeys: [],
  factKeys: new Set(["model", "stream"]),

  match(_method: string, path: string): Operation | undefined {
    return isUnder(path, "/v1") || isUnder(path, "/v1beta") ? operation : undefined;
  },

  facts(_operation: Operation, { json, form }: RequestBody): RequestFacts {
    const request = fields(json);
    return { model: name(form?.get("model") ?? request.model), streaming: request.stream === true };
  },

  readBody(): void {
    // Not metered.
  },

  readEvent(): void {
    // Not metered.
  },

  promptText(): string {
    return "";
  },
};

const operation: Operation = { dialect: other, endpoint: "other", billable: false };
