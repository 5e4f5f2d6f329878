/** The `endpoint` label as a path, which is how most dashboards of others show it. */
const PATHS = {
  chat: "chat/completions",
  completions: "completions",
  responses: "responses",
  embeddings: "embeddings",
  images: "images/generations",
  audio: "audio",
  messages: "messages",
  generate: "models:generateContent",
  models: "models",
};

/** Translates the kept `endpoint` label to a path that starts with `prefix`; `other` stays. */
export function endpointPath(prefix: string): {
  readonly from: "endpoint";
  readonly map: Readonly<Record<string, string>>;
} {
  const map = Object.fromEntries(Object.entries(PATHS).map(([endpoint, path]) => [endpoint, prefix + path]));
  return { from: "endpoint", map };
}
