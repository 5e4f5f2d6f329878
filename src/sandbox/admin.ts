/** `/sandbox/…`: the endpoints that set knobs and show the books. They need no key. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseJson, readBody } from "./body.ts";
import { ApiError } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import type { Settings } from "./handle.ts";
import { KnobError, knobTable, modelKnobs, readKnobs } from "./knobs.ts";

const BODY_LIMIT = 1024 * 1024;

/** Answers one request to the admin endpoints. */
export async function administer(
  settings: Settings,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  let status = 200;
  let answer: unknown;
  try {
    const body = await readBody(new Exchange(request, response), BODY_LIMIT);
    if (!Buffer.isBuffer(body)) throw new ApiError(413, "The body is too large.");
    answer = act(settings, `${request.method} ${path}`, body);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof KnobError)) throw error;
    status = error instanceof ApiError ? error.status : 400;
    answer = { error: { message: error.message } };
  }
  const json = `${JSON.stringify(answer, null, 2)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(json),
  });
  response.end(json);
}

function act(settings: Settings, what: string, body: Buffer): unknown {
  switch (what) {
    case "GET /sandbox":
    case "GET /sandbox/":
      return {
        simulated: true,
        about: "A simulated relay: it invents its answers and charges nobody.",
        knobs: Object.fromEntries(
          Object.entries(knobTable).map(([name, knob]) => [name, `${knob.form}: ${knob.help}`]),
        ),
        models: modelKnobs,
      };
    case "GET /sandbox/knobs":
      return settings.knobs;
    case "POST /sandbox/knobs":
      settings.knobs = { ...settings.knobs, ...readKnobs(parseJson(body)) };
      return settings.knobs;
    case "DELETE /sandbox/knobs":
      settings.knobs = {};
      return settings.knobs;
    case "GET /sandbox/books":
      return settings.books;
    case "DELETE /sandbox/books":
      settings.books.reset();
      return settings.books;
    case "GET /sandbox/requests":
      return settings.recording
        .list()
        .map((recorded) => ({ ...recorded, body: recorded.body.toString("base64") }));
    case "DELETE /sandbox/requests":
      settings.recording.clear();
      return [];
    default:
      throw new ApiError(
        404,
        "Here are /sandbox, /sandbox/knobs, /sandbox/books and /sandbox/requests (GET, DELETE; POST for knobs).",
      );
  }
}
