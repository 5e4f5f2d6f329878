/** What the API says to a question, asked again at every beat. */
import { useEffect, useState } from "preact/hooks";
import type { ReportResult } from "../../src/http/api.ts";
import { ApiFailure, ask } from "./api.ts";
import { beat } from "./refresh.ts";
import { useStore } from "./store.ts";

export interface Asked<T> {
  /** The last answer; while a changed question waits for its own, that of the one before. */
  readonly data: T | undefined;
  readonly failure: ApiFailure | undefined;
  /** True until the first answer or failure of this very question. */
  readonly waiting: boolean;
}

interface Kept<T> {
  readonly path: string;
  readonly data: T | undefined;
  readonly failure: ApiFailure | undefined;
}

/** Undefined asks nothing. */
export function useApi<T>(path: string | undefined): Asked<T> {
  const turn = useStore(beat);
  const [kept, setKept] = useState<Kept<T>>({ path: "", data: undefined, failure: undefined });
  useEffect(() => {
    if (path === undefined) return;
    const leaving = new AbortController();
    ask<T>(path, { signal: leaving.signal }).then(
      (data) => setKept({ path, data, failure: undefined }),
      (error: unknown) => {
        if (leaving.signal.aborted) return;
        const failure = error instanceof ApiFailure ? error : new ApiFailure(0, "", String(error));
        setKept((before) => ({ path, data: failure.status === 0 ? before.data : undefined, failure }));
      },
    );
    return () => leaving.abort();
  }, [path, turn]);
  return {
    data: kept.data,
    failure: kept.path === path ? kept.failure : undefined,
    waiting: kept.path !== path,
  };
}

export type ReportParams = Readonly<Record<string, string | undefined>>;

export function useReport(name: string, params: ReportParams): Asked<ReportResult> {
  return useApi<ReportResult>(apiPath(`/api/reports/${name}`, params));
}

/** The address of a question about a stretch of time, in the reader's time zone. */
export function apiPath(path: string, params: ReportParams): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value) query.set(key, value);
  query.set("tz", Intl.DateTimeFormat().resolvedOptions().timeZone);
  return `${path}?${query.toString()}`;
}
