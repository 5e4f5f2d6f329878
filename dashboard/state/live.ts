/** The figures of now, once a second by server-sent events, with those of the last minutes for small charts. */
import type { Overview } from "../../src/http/api.ts";
import { ask, session } from "./api.ts";
import { store } from "./store.ts";

export interface Live {
  readonly connected: boolean;
  readonly now: Overview | undefined;
  /** The newest last. */
  readonly past: readonly Overview[];
}

/** Snapshots that are kept, one a second. */
const MOST_PAST = 180;
const AGAIN_MS = 2_000;

export const live = store<Live>({ connected: false, now: undefined, past: [] });

let source: EventSource | undefined;
let again: ReturnType<typeof setTimeout> | undefined;

function connect(): void {
  clearTimeout(again);
  source?.close();
  source = new EventSource("/api/events");
  source.addEventListener("overview", (event) => {
    const now = JSON.parse(event.data as string) as Overview;
    live.set({ connected: true, now, past: [...live.get().past.slice(1 - MOST_PAST), now] });
  });
  source.addEventListener("error", () => {
    source?.close();
    live.set({ ...live.get(), connected: false });
    again = setTimeout(() => void reconnect(), AGAIN_MS);
  });
}

/** An event source does not say why it failed; a request does, and leads to the login where one is needed. */
async function reconnect(): Promise<void> {
  if (session.get().state !== "open") return;
  try {
    await ask<Overview>("/api/overview");
    connect();
  } catch {
    if (session.get().state === "open") again = setTimeout(() => void reconnect(), AGAIN_MS);
  }
}

function disconnect(): void {
  clearTimeout(again);
  source?.close();
  source = undefined;
  live.set({ connected: false, now: undefined, past: [] });
}

/** Connected while the session is open and the page can be seen. */
export function startLive(): void {
  const follow = () => {
    const wanted = session.get().state === "open" && !document.hidden;
    if (wanted && source === undefined) connect();
    else if (!wanted) disconnect();
  };
  session.watch(follow);
  document.addEventListener("visibilitychange", follow);
  follow();
}
