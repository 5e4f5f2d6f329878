/** One short text's embedding: that it comes, and is a vector. */
import { type Finding, type Probe, type ProbeContext, ProbeFailure } from "../probe.ts";
import { checkCall, parseJson, record } from "../verdict.ts";
import { skewOf } from "./date.ts";

export const embeddings: Probe = {
  name: "embeddings",
  about: "the embedding of one word",
  model: "embeddings",
  costs: true,
  applies: ({ dialects }) => dialects.has("openai-embeddings"),
  run,
};

async function run({ upstream, model, call }: ProbeContext): Promise<Finding> {
  const answer = await call({ method: "POST", path: "/v1/embeddings", body: { model, input: "bell" } });
  const json = parseJson(answer.body);
  checkCall(answer, json, [upstream.apiKey]);
  const data = record(json)?.data;
  const vector = record(Array.isArray(data) ? data[0] : undefined)?.embedding;
  // Some upstreams answer in base64, unasked.
  const long = (Array.isArray(vector) || typeof vector === "string") && vector.length > 0;
  if (!long) throw new ProbeFailure("malformed", "the answer holds no vector", { status: answer.status });
  const { firstByteMs } = answer.usage;
  return {
    phases: firstByteMs === undefined ? {} : { first_byte: firstByteMs },
    key: "valid",
    clockSkewMs: skewOf(answer.headers),
  };
}
