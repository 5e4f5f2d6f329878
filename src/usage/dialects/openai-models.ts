/** The list of models: `GET /v1/models` and `/v1/models/{id}`, of OpenAI and of Anthropic alike. Never billed. */
import type { Dialect, Operation, RequestFacts } from "../dialect.ts";
import { isUnder } from "./openai-request.ts";

const ROOT = "/v1/models";

export const openAiModels: Dialect = {
  name: "openai-models",
  family: "openai",
  sharedPath: true,
  countsTokens: false,
  usageKeys: [],
  factKeys: new Set(),

  match(_method: string, path: string): Operation | undefined {
    return isUnder(path, ROOT) ? operation : undefined;
  },

  facts(): RequestFacts {
    return { model: "", streaming: false };
  },

  readBody(): void {
    // A list reports no usage.
  },

  readEvent(): void {
    // Lists are never streamed.
  },

  promptText(): string {
    return "";
  },
};

const operation: Operation = { dialect: openAiModels, endpoint: "models", billable: false };
