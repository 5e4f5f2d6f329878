import { expect, test } from "vitest";
import { defaultConfig, defaultUpstream } from "./defaults.ts";
import { type Config, configSchema } from "./schema.ts";

test("the defaults are what the schema makes of an empty configuration", () => {
  expect(configSchema.parse({})).toEqual(defaultConfig);
  expect(configSchema.parse({ upstreams: { a: {} } }).upstreams.a).toEqual(defaultUpstream);
  // The other direction of the types is checked where load.ts returns the defaults.
  const parsed: Config = configSchema.parse({});
  expect(parsed.server.port).toBe(8000);
});

test("the defaults are those that the contract names", () => {
  expect(defaultUpstream.timeouts).toEqual({
    connect: 5_000,
    firstByte: 120_000,
    idle: 60_000,
    total: 600_000,
  });
  expect(defaultConfig.server).toMatchObject({
    host: "127.0.0.1",
    port: 8000,
    auth: "none",
    bodyLimit: 33_554_432,
    shutdown: { drain: 30_000 },
  });
});
