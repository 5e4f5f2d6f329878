/** `POST /v1/completions`: OpenAI's legacy completions. */
import {
  type Answer,
  answeredModel,
  type Call,
  CREATED,
  jsonAnswer,
  modelFor,
  type StreamEvent,
} from "./call.ts";
import { stopsOf, streamError, usageOf } from "./chat.ts";
import { badField } from "./errors.ts";
import { list, object, positive, textOf } from "./json.ts";
import type { Model } from "./models.ts";
import { idFrom } from "./random.ts";
import { quantitiesOf, type Turn, takeTurns } from "./turn.ts";

const DEFAULT_MAX_TOKENS = 16;

/** Answers a legacy completion. @throws ApiError */
export function completions(call: Call): Answer {
  const { json } = call;
  const model = modelFor(call, json.model, "text");
  const prompts = promptsOf(json.prompt);
  const ask = {
    model,
    prompt: prompts.join("\n"),
    lastWord: "",
    maxTokens: positive(json.max_tokens) ?? DEFAULT_MAX_TOKENS,
    tools: [],
    toolChoice: "none" as const,
    schema: undefined,
    stops: stopsOf(json.stop),
    thinks: false,
  };
  const turns = takeTurns(call, ask, prompts.length * (positive(json.n) ?? 1));
  const used = quantitiesOf(turns);
  const head = {
    id: `cmpl-${idFrom(turns[0]?.seed ?? 0, 24)}`,
    object: "text_completion",
    created: CREATED,
    model: answeredModel(call, model),
  };
  const usage = call.knobs.usage ?? "normal";
  if (json.stream === true) {
    const asked = object(json.stream_options).include_usage === true && usage === "normal";
    return {
      status: 200,
      contentType: "text/event-stream; charset=utf-8",
      content: {
        framing: "sse",
        events: events(JSON.stringify(head).slice(0, -1), turns, model, usage, asked),
        error: streamError(),
        done: true,
      },
      model,
      used,
    };
  }
  const choices = turns.map((turn, index) => choice(index, turn.pieces.join(""), finishOf(turn)));
  if (usage === "none") return jsonAnswer({ ...head, choices }, { model, used });
  return jsonAnswer({ ...head, choices, usage: usageOf(used, model) }, { model, used, reported: used });
}

/** One prompt or several; each a text or a list of token numbers. */
function promptsOf(prompt: unknown): readonly string[] {
  const given = Array.isArray(prompt) && typeof prompt[0] !== "number" ? list(prompt) : [prompt];
  const texts = given.map((one) => (Array.isArray(one) ? "....".repeat(one.length) : textOf(one)));
  if (texts.length === 0 || texts.some((text) => text === "")) throw badField("prompt", "is required");
  return texts;
}

function finishOf(turn: Turn): string {
  return turn.finish === "length" ? "length" : "stop";
}

function choice(index: number, text: string, finish: string | null) {
  return { text, index, logprobs: null, finish_reason: finish };
}

function* events(
  head: string,
  turns: readonly Turn[],
  model: Model,
  usage: "normal" | "none" | "last-chunk" | "every-chunk",
  asked: boolean,
): Generator<StreamEvent> {
  let sent = 0;
  for (const [index, turn] of turns.entries()) {
    for (const [place, piece] of [...turn.pieces, ""].entries()) {
      const last = place === turn.pieces.length;
      const tokens = last ? turn.reasoning : 1;
      sent += tokens;
      const data = `${head},"choices":${JSON.stringify([choice(index, piece, last ? finishOf(turn) : null)])}`;
      const final = last && index === turns.length - 1;
      if (usage === "every-chunk" || (usage === "last-chunk" && final)) {
        const reported = quantitiesOf(turns, sent);
        yield {
          name: "",
          data: `${data},"usage":${JSON.stringify(usageOf(reported, model))}}`,
          tokens,
          reported,
        };
      } else yield { name: "", data: `${data}${asked ? ',"usage":null}' : "}"}`, tokens };
    }
  }
  if (!asked) return;
  const reported = quantitiesOf(turns);
  const data = `${head},"choices":[],"usage":${JSON.stringify(usageOf(reported, model))}}`;
  yield { name: "", data, tokens: 0, reported };
}
