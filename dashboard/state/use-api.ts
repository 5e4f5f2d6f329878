/** What the API says to a question, asked again at every beat. */
import { useEffect, useRef, useState } from "preact/hooks";
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

interface Asking {
  readonly path: string;
  readonly leaving: AbortController;
}

/** Undefined asks nothing. An answer that is still awaited is not asked for again. */
export function useApi<T>(path: string | undefined): Asked<T> {
  const turn = useStore(beat);
  const asking = useRef<Asking>(undefined);
  const [kept, setKept] = useState<Kept<T>>({ path: "", data: undefined, failure: undefined });
  useEffect(() => {
    if (asking.current?.path === path) return;
    asking.current?.leaving.abort();
    asking.current = undefined;
    if (path === undefined) return;
    const mine: Asking = { path, leaving: new AbortController() };
    asking.current = mine;
    const answered = (change: (before: Kept<T>) => Kept<T>) => {
      if (asking.current !== mine) return;
      asking.current = undefined;
      setKept(change);
    };
    ask<T>(path, { signal: mine.leaving.signal }).then(
      (data) => answered(() => ({ path, data, failure: undefined })),
      (error: unknown) => {
        const failure = error instanceof ApiFailure ? error : new ApiFailure(0, "", String(error));
        answered((before) => ({ path, data: failure.status === 0 ? before.data : undefined, failure }));
      },
    );
  }, [path, turn]);
  useEffect(() => () => asking.current?.leaving.abort(), []);
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
