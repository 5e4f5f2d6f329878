/**
 * Bellwether's own errors in the shape of the API that the client speaks, so that its SDK reads them
 * like any error of the vendor's. The words are those of each vendor's documentation.
 */
import type { BellwetherError } from "../core/errors.ts";
import type { Family } from "./dialect.ts";

/** The JSON body of an error answer. `requestId` is the call's own id. */
export function errorBody(family: Family, error: BellwetherError, requestId: string): string {
  return JSON.stringify(shapes[family](error, requestId));
}

/** The same as the last event of a stream that has already begun. */
export function errorEvent(family: Family, error: BellwetherError, requestId: string): string {
  const data = `data: ${errorBody(family, error, requestId)}\n\n`;
  return family === "anthropic" ? `event: error\n${data}` : data;
}

const shapes: Readonly<Record<Family, (error: BellwetherError, requestId: string) => object>> = {
  openai: (error) => ({
    error: { message: error.message, type: openAiType(error.status), param: null, code: error.code },
  }),
  anthropic: (error, requestId) => ({
    type: "error",
    error: {
      type: anthropicType(error.status),
      message: error.message,
      // Where Anthropic's SDK looks for a stable code.
      details: { error_code: error.code },
    },
    request_id: requestId,
  }),
  gemini: (error) => ({
    error: {
      code: error.status,
      message: error.message,
      status: googleStatus(error.status),
      // google.rpc.ErrorInfo: a reason is upper case.
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: error.code.toUpperCase(),
          domain: "bellwether",
        },
      ],
    },
  }),
};

function openAiType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

function anthropicType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    case 408:
    case 504:
      return "timeout_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

/** The canonical status word of google.rpc.Code that belongs to an HTTP status. */
function googleStatus(status: number): string {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 402:
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 409:
      return "ABORTED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 408:
    case 504:
      return "DEADLINE_EXCEEDED";
    case 501:
      return "UNIMPLEMENTED";
    case 502:
    case 503:
      return "UNAVAILABLE";
    default:
      return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
  }
}
