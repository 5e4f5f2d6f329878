/** Errors in the JSON shape of the API they answer. */
import type { JsonObject } from "./json.ts";

/** Which vendor's conventions a path follows. */
export type Family = "openai" | "anthropic" | "gemini";

/** Thrown by a handler; the server answers it in the family's shape. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;

  constructor(status: number, message: string, code: string | null = null, param: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** A field the request needs is missing or of the wrong kind. */
export function badField(param: string, what: string): ApiError {
  return new ApiError(400, `Invalid request: '${param}' ${what}.`, null, param);
}

/** The model does not exist, or not for this API. */
export function unknownModel(model: string): ApiError {
  return new ApiError(
    404,
    `The model '${model}' does not exist or you do not have access to it.`,
    "model_not_found",
    "model",
  );
}

const openaiTypes: Readonly<Record<number, string>> = {
  401: "invalid_request_error",
  403: "permission_error",
  429: "rate_limit_error",
  500: "server_error",
  502: "server_error",
  503: "server_error",
  504: "server_error",
};

const anthropicTypes: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const geminiStatuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** The body of an error answer; `requestId` is in Anthropic's. */
export function errorBody(family: Family, error: ApiError, requestId: string): JsonObject {
  const { status, message, code, param } = error;
  switch (family) {
    case "openai":
      return { error: { message, type: openaiTypes[status] ?? "invalid_request_error", param, code } };
    case "anthropic": {
      const type = anthropicTypes[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
      return { type: "error", error: { type, message }, request_id: requestId };
    }
    case "gemini":
      return { error: { code: status, message, status: geminiStatuses[status] ?? "UNKNOWN" } };
  }
}

const messages: Readonly<Record<number, string>> = {
  400: "The request is invalid.",
  401: "Incorrect API key provided.",
  403: "You do not have access to this.",
  404: "There is nothing here.",
  408: "The request took too long.",
  413: "The request is too large.",
  429: "Rate limit reached. Please try again in 1s.",
  500: "The server had an error while processing your request.",
  503: "The engine is currently overloaded. Please try again later.",
  529: "Overloaded",
};

const codes: Readonly<Record<number, string>> = {
  401: "invalid_api_key",
  429: "rate_limit_exceeded",
};

/** The error a vendor would send with that status. */
export function errorOfStatus(status: number): ApiError {
  return new ApiError(
    status,
    messages[status] ?? `Simulated answer with status ${status}.`,
    codes[status] ?? null,
  );
}
