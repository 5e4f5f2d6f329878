import { expect, it } from "vitest";
import { ProbeFailure } from "./probe.ts";
import { checkAnswer, complaintOf, retryAfter, tidy } from "./verdict.ts";

function verdict(status: number, json: unknown, headers: Record<string, string> = {}) {
  try {
    checkAnswer({ status, headers: new Map(Object.entries(headers)), json }, []);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    const { outcome, key, retryAfterMs } = error;
    return { outcome, key, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

const openai = (code: string | null, message = "", type = "") => ({ error: { code, message, type } });

it.each<[string, number, unknown, object | undefined]>([
  ["a success", 200, { data: [] }, undefined],
  ["new-api's success", 200, { success: true, message: "", data: {} }, undefined],
  ["a plain 401", 401, undefined, { outcome: "auth", key: "invalid" }],
  [
    "OpenAI's wrong key",
    401,
    openai("invalid_api_key", "Incorrect API key"),
    { outcome: "auth", key: "invalid" },
  ],
  ["an expired key", 401, openai("expired_token"), { outcome: "auth", key: "expired" }],
  [
    "one-api's expired token",
    401,
    { error: { message: "该令牌已过期" } },
    { outcome: "auth", key: "expired" },
  ],
  ["OpenAI's empty account", 429, openai("insufficient_quota"), { outcome: "no_quota", key: "no_quota" }],
  ["new-api's empty token", 403, openai("insufficient_user_quota"), { outcome: "no_quota", key: "no_quota" }],
  [
    "one-api's empty token",
    403,
    { error: { message: "用户余额不足" } },
    { outcome: "no_quota", key: "no_quota" },
  ],
  [
    "Anthropic's empty account",
    400,
    { type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low" } },
    { outcome: "no_quota", key: "no_quota" },
  ],
  [
    "DeepSeek's empty account",
    402,
    { error: { message: "Insufficient Balance" } },
    { outcome: "no_quota", key: "no_quota" },
  ],
  [
    "Gemini's wrong key",
    400,
    {
      error: {
        code: 400,
        message: "API key not valid. Please pass a valid API key.",
        status: "INVALID_ARGUMENT",
      },
    },
    { outcome: "bad_request", key: "invalid" },
  ],
  [
    "a model the key may not use",
    403,
    openai(null, "You have no access to model x"),
    { outcome: "auth", key: undefined },
  ],
  ["a country", 403, openai("unsupported_country_region_territory"), { outcome: "auth", key: undefined }],
  ["a rate limit", 429, openai("rate_limit_exceeded"), { outcome: "rate_limit", key: undefined }],
  ["an error in a 200", 200, openai("upstream_error"), { outcome: "upstream_5xx", key: undefined }],
  ["a refusal in a 200", 200, openai("invalid_api_key"), { outcome: "auth", key: "invalid" }],
  ["new-api's failure", 200, { success: false, message: "无效的令牌" }, { outcome: "auth", key: "invalid" }],
  ["a redirect", 302, undefined, { outcome: "malformed", key: undefined }],
  ["an overload", 529, undefined, { outcome: "upstream_5xx", key: undefined }],
])("%s", (_name, status, json, expected) => {
  expect(verdict(status, json)).toEqual(expected);
});

it("reads how long to wait, in seconds, milliseconds or as a date; nonsense is nothing", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const of = (headers: Record<string, string>) => retryAfter(new Map(Object.entries(headers)), now);
  expect(of({ "retry-after": "20" })).toBe(20_000);
  expect(of({ "retry-after-ms": "1500", "retry-after": "2" })).toBe(1_500);
  expect(of({ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" })).toBe(60_000);
  expect(of({ "retry-after": "Thu, 01 Jan 2020 00:00:00 GMT" })).toBe(0);
  for (const text of ["soon", "", "-5"]) expect(of({ "retry-after": text })).toBeUndefined();
  expect(verdict(429, undefined, { "retry-after": "7" })).toMatchObject({ retryAfterMs: 7_000 });
});

it("an error need not be an object", () => {
  expect(complaintOf({ error: "quota exceeded" })?.message).toBe("quota exceeded");
  expect(complaintOf([{ error: "x" }])).toBeUndefined();
  expect(complaintOf(null)).toBeUndefined();
});

it("messages become one short line without keys", () => {
  expect(tidy("a\r\n\tb   c", [])).toBe("a b c");
  expect(tidy("key my-own-secret is wrong (sk-proj-AbC123xyz)", ["my-own-secret"])).toBe(
    "key **** is wrong (****)",
  );
  expect(tidy("x".repeat(500), []).length).toBe(301);
});
