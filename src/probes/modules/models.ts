/** The upstream's list of models: which there are, and that the key is good for reading it. */
import { type Finding, type Probe, type ProbeContext, ProbeFailure } from "../probe.ts";
import { checkCall, parseJson, record } from "../verdict.ts";
import { skewOf } from "./date.ts";

/** A list that goes on longer is not a list of models. */
const MAX_NAMES = 10_000;
const MAX_NAME_LENGTH = 200;

export const models: Probe = {
  name: "models",
  about: "the list of models",
  costs: false,
  applies: ({ dialects }) => dialects.has("openai-models"),
  run,
};

async function run({ upstream, call }: ProbeContext): Promise<Finding> {
  // An upstream that speaks Anthropic's API alone expects its key in Anthropic's header.
  const anthropic = !upstream.dialects.has("openai-chat") && upstream.dialects.has("anthropic-messages");
  const headers = anthropic ? ["anthropic-version", "2023-06-01"] : [];
  const answer = await call({ method: "GET", path: "/v1/models", headers });
  const json = parseJson(answer.body);
  checkCall(answer, json, [upstream.apiKey]);
  const data = record(json)?.data;
  if (!Array.isArray(data)) {
    throw new ProbeFailure("malformed", "the answer is not a list of models", { status: answer.status });
  }
  const names = data
    .slice(0, MAX_NAMES)
    .map((entry: unknown) => record(entry)?.id)
    .filter((id): id is string => typeof id === "string" && id !== "" && id.length <= MAX_NAME_LENGTH);
  const { firstByteMs } = answer.usage;
  return {
    models: names,
    phases: firstByteMs === undefined ? {} : { first_byte: firstByteMs },
    ...(upstream.probing?.publicModels === true || upstream.apiKey === undefined ? {} : { key: "valid" }),
    clockSkewMs: skewOf(answer.headers),
  };
}
