import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startRedis, type TestRedis } from "../../../test/helpers/redis.ts";
import { describeWithProgram } from "../../../test/helpers/system-program.ts";
import { PatientRedis } from "./patient-redis.ts";

/** Nothing of this process runs until Redis has answered whatever was asked of it before. */
function stopUntilAnswered(port: string): void {
  const ask = `const socket = require("node:net").connect(${port}, "127.0.0.1", () => socket.write("PING\\r\\n"));
    socket.once("data", () => process.exit(7));`;
  expect(spawnSync(process.execPath, ["-e", ask]).status).toBe(7);
}

describeWithProgram("redis-server", "a client of Redis", (program) => {
  let redis: TestRedis;
  const clients: PatientRedis[] = [];
  const clientOf = async (commandMs: number): Promise<PatientRedis> => {
    const client = new PatientRedis(redis.url, commandMs, {
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    clients.push(client);
    await client.connect();
    return client;
  };
  beforeAll(async () => {
    redis = await startRedis(program);
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await redis.close();
  });

  it("has the answer that came in time, though the process did not run and reads it too late", async () => {
    const client = await clientOf(1);
    const asked = client.set("key", "value");
    const began = performance.now();
    stopUntilAnswered(new URL(redis.url).port);
    expect(performance.now() - began).toBeGreaterThan(1);
    expect(await asked).toBe("OK");
  });

  it("gives up what is not answered", async () => {
    const client = await clientOf(50);
    // Waits for ever.
    await expect(client.call("BLPOP", "nothing", "0")).rejects.toThrow("Command timed out");
  });
});
