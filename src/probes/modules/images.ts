/** One small image: that it comes. It costs cents rather than fractions of them, so it is done when named only. */
import { type Finding, type Probe, type ProbeContext, ProbeFailure } from "../probe.ts";
import { checkCall, parseJson, record } from "../verdict.ts";
import { skewOf } from "./date.ts";

export const images: Probe = {
  name: "images",
  about: "one small image",
  model: "images",
  costs: true,
  needsPrice: true,
  applies: ({ dialects }) => dialects.has("openai-images"),
  run,
};

async function run({ upstream, model, call }: ProbeContext): Promise<Finding> {
  const body = { model, prompt: "A grey circle on white.", n: 1, size: "1024x1024" };
  const answer = await call({ method: "POST", path: "/v1/images/generations", body });
  const json = parseJson(answer.body);
  // An image may be longer than what is kept of an answer; its status and type still tell.
  checkCall(answer, json, [upstream.apiKey]);
  const data = record(json)?.data;
  if (json !== undefined && !(Array.isArray(data) && data.length > 0)) {
    throw new ProbeFailure("malformed", "the answer holds no image", { status: answer.status });
  }
  const { firstByteMs } = answer.usage;
  return {
    phases: firstByteMs === undefined ? {} : { first_byte: firstByteMs },
    key: "valid",
    clockSkewMs: skewOf(answer.headers),
  };
}
