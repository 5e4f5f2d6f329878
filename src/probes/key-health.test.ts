import { beforeEach, expect, it } from "vitest";
import type { Usage } from "../usage/usage.ts";
import { KeyHealth } from "./key-health.ts";

let checks: string[];
let changes: string[];
let canCheck: boolean;
let ours: boolean;
let keys: KeyHealth;
beforeEach(() => {
  [checks, changes, canCheck, ours] = [[], [], false, true];
  keys = new KeyHealth({
    isOurs: () => ours,
    doubt: (upstream) => {
      checks.push(upstream);
      return canCheck;
    },
    changed: (upstream, before, after) => changes.push(`${upstream}: ${before} → ${after}`),
  });
});

function call(status: number, more: Partial<Usage> = {}): void {
  keys.settled({ upstream: "relay", probe: false, billable: status < 300, status, ...more } as Usage);
}

it("nothing is known before the first answer; a success proves the key", () => {
  expect(keys.stateOf("relay")).toBe("unknown");
  call(200);
  call(200);
  expect(keys.stateOf("relay")).toBe("valid");
  expect(changes).toEqual(["relay: unknown → valid"]);
});

it.each([
  [401, "invalid"],
  [403, "invalid"],
  [402, "no_quota"],
])("live traffic that is refused with %i makes it %s at once, and a probe is asked for", (status, state) => {
  call(200);
  call(status);
  expect(keys.stateOf("relay")).toBe(state);
  expect(checks).toEqual(["relay"]);
});

it("where a probe can find out, a 403 alone does not condemn the key: it may be about the model", () => {
  canCheck = true;
  call(200);
  call(403);
  expect(keys.stateOf("relay")).toBe("valid");
  expect(checks).toEqual(["relay"]);
});

it("what a probe found to be expired is not made merely invalid by traffic, and a success mends it", () => {
  keys.prove("relay", "expired");
  call(401);
  expect(keys.stateOf("relay")).toBe("expired");
  call(200);
  expect(keys.stateOf("relay")).toBe("valid");
});

it.each<[string, Partial<Usage>]>([
  ["a probe's own call", { probe: true }],
  ["a refusal of the gateway's own", { errorCode: "invalid_api_key" }],
])("%s tells nothing", (_name, more) => {
  call(401, more);
  expect(keys.stateOf("relay")).toBe("unknown");
});

it("other statuses, and keys that clients brought, tell nothing", () => {
  for (const status of [400, 404, 429, 500, 502]) call(status);
  ours = false;
  call(401);
  call(200);
  expect(keys.stateOf("relay")).toBe("unknown");
});
