/** Which server a demo sends to, and whether it may: only what is simulated costs nothing. */

/** What a running Bellwether says of itself at /health. */
export interface Health {
  readonly version: string;
  readonly simulated: boolean;
  readonly upstreams: readonly string[];
}

const ANSWER_MS = 10_000;

/** What answers there: a Bellwether, some other program, or nobody. */
export async function examine(url: string): Promise<Health | "stranger" | "nobody"> {
  let body: unknown;
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_MS) });
    body = await response.json().catch(() => undefined);
  } catch {
    return "nobody";
  }
  if (typeof body !== "object" || body === null) return "stranger";
  const { version, simulated, upstreams } = body as Record<string, unknown>;
  if (typeof version !== "string" || typeof simulated !== "boolean" || !Array.isArray(upstreams)) {
    return "stranger";
  }
  return { version, simulated, upstreams: upstreams.map(String) };
}

/** The models that a server lists; undefined when it does not tell. @throws Error when it wants a key */
export async function listedModels(url: string, key: string): Promise<ReadonlySet<string> | undefined> {
  const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 401 || response.status === 403) {
    throw new Error(`${url} wants the key of an app: give it with --key.`);
  }
  const data = typeof body === "object" && body !== null && "data" in body ? body.data : undefined;
  if (!response.ok || !Array.isArray(data)) return undefined;
  return new Set(data.map((model: { id?: unknown }) => String(model?.id ?? "")));
}
