import { describe, expect, test } from "vitest";
import { parseBaseUrl } from "./base-url.ts";

test.each([
  ["https://relay.example", "https://relay.example/v1", "https://relay.example"],
  ["https://relay.example/", "https://relay.example/v1", "https://relay.example"],
  ["https://relay.example/v1", "https://relay.example/v1", "https://relay.example"],
  ["https://relay.example/v1//", "https://relay.example/v1", "https://relay.example"],
  ["https://relay.example/api/v1", "https://relay.example/api/v1", "https://relay.example/api"],
  [
    "https://relay.example/api/paas/v4/",
    "https://relay.example/api/paas/v4",
    "https://relay.example/api/paas",
  ],
  ["https://relay.example/v1beta", "https://relay.example/v1beta", "https://relay.example"],
  ["https://relay.example/openai", "https://relay.example/openai", "https://relay.example/openai"],
  ["https://relay.example/v1x", "https://relay.example/v1x", "https://relay.example/v1x"],
  ["HTTP://Relay.Example:80/v1", "http://relay.example/v1", "http://relay.example"],
  ["http://[::1]:9000", "http://[::1]:9000/v1", "http://[::1]:9000"],
])("%s → %s, %s", (text, baseUrl, rootUrl) => expect(parseBaseUrl(text)).toEqual({ baseUrl, rootUrl }));

describe("refused", () => {
  test.each([
    ["", "empty"],
    ["relay.example/v1", "not an http or https URL"],
    ["localhost:8000", "not an http or https URL"],
    ["ftp://relay.example", "not an http or https URL"],
    ["https:relay.example", "not an http or https URL"],
    ["https://", "not an http or https URL"],
    ["https://relay.example:99999", "not an http or https URL"],
    ["https://me:pass@relay.example", "user or password"],
    ["https://key@relay.example", "user or password"],
    ["https://relay.example?key=1", "query or fragment"],
    ["https://relay.example/v1?", "query or fragment"],
    ["https://relay.example/v1#", "query or fragment"],
    [" https://relay.example", "white space"],
    ["https://relay.example/v1\n", "white space"],
    ["https://relay.example/v1/chat/completions", "endpoint"],
    ["https://relay.example/v1/messages/", "endpoint"],
  ])("%j: %s", (text, fault) =>
    expect(parseBaseUrl(text)).toHaveProperty("fault", expect.stringContaining(fault)),
  );
});
