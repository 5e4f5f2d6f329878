/** The requests and answers that travel: chat completions of realistic shape and fixed size. */

const MODEL = "gpt-4.1-mini";
const PROSE =
  "The bell is on the sheep that walks ahead, so that the shepherd hears where the flock is going before it is there. ";

function filled(size, build) {
  const empty = Buffer.byteLength(build(""));
  return build(PROSE.repeat(Math.ceil((size - empty) / PROSE.length)).slice(0, size - empty));
}

/** A chat completion request of exactly `size` bytes. */
export function chatRequest(size, extra = {}, model = MODEL) {
  return filled(size, (text) =>
    JSON.stringify({
      model,
      messages: [
        { role: "system", content: "You are a concise assistant." },
        { role: "user", content: text },
      ],
      temperature: 0.7,
      ...extra,
    }),
  );
}

export const SMALL = 1024;
export const LARGE = 64 * 1024;

/** The answer of the static upstream: 760 bytes, with usage. */
export const chatAnswer = filled(760, (text) =>
  JSON.stringify({
    id: "chatcmpl-BenchBenchBenchBenchBenchB",
    object: "chat.completion",
    created: 1700000000,
    model: "gpt-4.1-mini-2025-04-14",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: 214,
      completion_tokens: 57,
      total_tokens: 271,
      prompt_tokens_details: { cached_tokens: 128, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 0,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
    service_tier: "default",
  }),
);

/** A streaming request for `tokens` tokens. The client does not ask for usage, so a meter has to. */
export function streamRequest(tokens) {
  return chatRequest(SMALL, { stream: true, max_tokens: tokens });
}
