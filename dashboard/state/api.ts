/** Asks the admin API. A 401 or 403 changes what the whole page shows: the login, or why there is none. */
import type { ApiError, LoginState } from "../../src/http/api.ts";
import { store } from "./store.ts";

/** What the API answered when it did not do what was asked; status 0 when it could not be reached. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Session =
  | { readonly state: "asking" }
  | { readonly state: "open"; readonly needsToken: boolean }
  | { readonly state: "login" }
  | { readonly state: "forbidden"; readonly message: string };

export const session = store<Session>({ state: "asking" });

export interface Asking {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/** @throws ApiFailure; or what an aborted fetch throws */
export async function ask<T>(path: string, asking: Asking = {}): Promise<T> {
  const answer = await request<T>(path, asking).catch((error: unknown) => {
    if (error instanceof ApiFailure && error.status === 401) session.set({ state: "login" });
    if (error instanceof ApiFailure && error.status === 403) {
      session.set({ state: "forbidden", message: error.message });
    }
    throw error;
  });
  return answer;
}

async function request<T>(path: string, { method = "GET", body, signal }: Asking): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiFailure(0, "unreachable", "");
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as T;
  const { code, message } = (answer as Partial<ApiError> | undefined)?.error ?? {};
  throw new ApiFailure(response.status, code ?? "", message ?? `HTTP ${response.status}`);
}

/** Whether this browser may ask at all. */
export async function askSession(): Promise<void> {
  try {
    const { open, needsToken } = await request<LoginState>("/api/login", {});
    session.set(open ? { state: "open", needsToken } : { state: "login" });
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.status !== 403) throw error;
    session.set({ state: "forbidden", message: error.message });
  }
}

/** @throws ApiFailure when the token is wrong, or after too many wrong ones */
export async function logIn(token: string): Promise<void> {
  await request<LoginState>("/api/login", { method: "POST", body: { token } });
  session.set({ state: "open", needsToken: true });
}

export async function logOut(): Promise<void> {
  await request("/api/logout", { method: "POST" }).catch(() => undefined);
  session.set({ state: "login" });
}
