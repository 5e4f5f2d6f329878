/** An upstream's refusal as an error that a program can branch on. */
import { type ErrorType, errorTypeOfStatus } from "../core/errors.ts";
import { fields, text } from "../usage/dialects/fields.ts";

/** What an API answered instead of what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The API's own code (`model_not_found`), else its type (`invalid_request_error`), else `http_404`. */
  readonly code: string;
  readonly status: number;
  /** The same kinds as in `bellwether_errors_total`. */
  readonly type: ErrorType;
  /** The upstream's id of the call, or "". */
  readonly requestId: string;
  /** The answer's body: parsed where it is JSON. */
  readonly body: unknown;

  constructor(status: number, requestId: string, body: unknown) {
    const error = fields(fields(body).error);
    const said = text(error.message) || text(fields(body).error);
    super(said === "" ? `The upstream answered with status ${status}.` : said);
    this.code = text(error.code) || text(error.type) || `http_${status}`;
    this.status = status;
    // Within a 200 it is the upstream that failed.
    this.type = errorTypeOfStatus(status) ?? "upstream_5xx";
    this.requestId = requestId;
    this.body = body;
  }
}

/** The error that an answer with a status of 400 or more tells. */
export async function apiErrorOf(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const said = await response.text();
  return new ApiError(status, headers.get("x-request-id") ?? headers.get("request-id") ?? "", parsed(said));
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return said;
  }
}
