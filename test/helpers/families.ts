/** The three API families as tests speak them: a call, a stream, and where an error's code stands. */

export interface FamilySample {
  readonly name: "openai" | "anthropic" | "gemini";
  readonly path: string;
  readonly streamPath: string;
  /** JSON of a request for `model`. */
  body(model: string, stream: boolean): string;
  /** The gateway's error code in an error body, or undefined where the shape is not the family's. */
  codeOf(body: unknown): string | undefined;
}

interface Json {
  readonly [key: string]: Json | undefined;
}

const messages = [{ role: "user", content: "Who leads the flock?" }];

export const families: readonly FamilySample[] = [
  {
    name: "openai",
    path: "/v1/chat/completions",
    streamPath: "/v1/chat/completions",
    body: (model, stream) => JSON.stringify({ model, messages, stream }),
    codeOf(body) {
      const { error } = body as Json;
      const whole = typeof error?.message === "string" && typeof error.type === "string" && "param" in error;
      return whole ? String(error.code) : undefined;
    },
  },
  {
    name: "anthropic",
    path: "/v1/messages",
    streamPath: "/v1/messages",
    body: (model, stream) => JSON.stringify({ model, messages, stream, max_tokens: 5000 }),
    codeOf(body) {
      const { type, error, request_id } = body as Json;
      const whole =
        String(type) === "error" && typeof error?.message === "string" && request_id !== undefined;
      return whole ? String(error.details?.error_code) : undefined;
    },
  },
  {
    name: "gemini",
    path: "/v1beta/models/MODEL:generateContent",
    streamPath: "/v1beta/models/MODEL:streamGenerateContent?alt=sse",
    body: () => JSON.stringify({ contents: [{ role: "user", parts: [{ text: "Who leads the flock?" }] }] }),
    codeOf(body) {
      const { error } = body as Json;
      const whole = typeof error?.message === "string" && typeof error.code === "number" && error.status;
      const [detail] = (error?.details ?? []) as unknown as readonly { readonly reason: string }[];
      return whole ? detail?.reason.toLowerCase() : undefined;
    },
  },
];

/** A family's path for a model. */
export function pathOf(family: FamilySample, model: string, stream = false): string {
  return (stream ? family.streamPath : family.path).replace("MODEL", encodeURIComponent(model));
}
