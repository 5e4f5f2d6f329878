/** Reading a request's body: its bytes, then JSON or a form. */
import type { Form } from "./call.ts";
import { ApiError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { isObject, type JsonObject } from "./json.ts";

/** `gone`: the client left while sending; `large`: there were more than `limit` bytes. */
export type BodyRead = Buffer | "gone" | "large";

/** Reads the body to its end. */
export function readBody(exchange: Exchange, limit: number): Promise<BodyRead> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    exchange.whenOver(() => resolve("gone"));
    exchange.request.on("data", (part: Buffer) => {
      size += part.length;
      if (size > limit) {
        parts.length = 0;
        resolve("large");
      } else parts.push(part);
    });
    exchange.request.on("end", () => {
      const [first] = parts;
      resolve(first !== undefined && parts.length === 1 ? first : Buffer.concat(parts, size));
    });
  });
}

/** @throws ApiError when the body is not a JSON object. */
export function parseJson(body: Buffer): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new ApiError(
      400,
      "We could not parse the JSON body of your request. The body must be one JSON object.",
    );
  }
  if (!isObject(parsed)) throw new ApiError(400, "The body of your request must be a JSON object.");
  return parsed;
}

/** Parses a multipart or URL-encoded form. @throws ApiError */
export async function parseForm(body: Buffer, contentType: string): Promise<Form> {
  const fields = new Map<string, string>();
  const files = new Map<string, Uint8Array>();
  let form: FormData;
  try {
    const bytes = new Uint8Array(body);
    form = await new Response(bytes, { headers: { "content-type": contentType } }).formData();
  } catch {
    throw new ApiError(
      400,
      "We could not parse the form of your request. It must be multipart/form-data with a boundary.",
    );
  }
  for (const [name, value] of form.entries()) {
    if (typeof value === "string") fields.set(name, value);
    else files.set(name, new Uint8Array(await value.arrayBuffer()));
  }
  return { fields, files };
}
