/** Secrets that are mounted as files, as Kubernetes does it, and replaced while the gateway runs: nobody sends a signal. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startGateway, total } from "../helpers/gateway.ts";
import { until } from "../helpers/until.ts";

const [FIRST, SECOND] = ["sk-first-key-of-the-relay", "sk-second-key-of-the-relay"];

it("a rotated secret is used by the calls after it, and a bad one leaves the last good one in force", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bellwether-secrets-"));
  let version = 0;
  /** Kubernetes swaps the link `..data`, by which all files of the mount go. */
  const mount = async (key: string): Promise<void> => {
    const data = `..version-${++version}`;
    await mkdir(join(folder, data));
    await writeFile(join(folder, data, "relay-key"), key);
    await symlink(data, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  await mount(FIRST);
  await symlink("..data/relay-key", join(folder, "relay-key"));
  const upstream = { apiKey: `file:${join(folder, "relay-key")}` };
  const gateway = await startGateway({ upstream }, { keys: [FIRST, SECOND], record: true });
  const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "hello" }] });
  const keyOfNextCall = async (): Promise<string | undefined> => {
    await (await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body })).text();
    const headers = gateway.sandbox.requests.findLast(({ method }) => method === "POST")?.rawHeaders ?? [];
    const at = headers.findIndex((name) => name.toLowerCase() === "authorization");
    return headers[at + 1]?.replace("Bearer ", "");
  };
  const succeeded = async () => total(await gateway.samples(), "bellwether_config_last_reload_success");
  try {
    expect(await keyOfNextCall()).toBe(FIRST);
    await mount(SECOND);
    await until(keyOfNextCall, SECOND);
    await mount("");
    await until(succeeded, 0);
    expect(await keyOfNextCall()).toBe(SECOND);
    await mount(FIRST);
    await until(succeeded, 1);
    expect(await keyOfNextCall()).toBe(FIRST);
  } finally {
    await gateway.close();
    await rm(folder, { recursive: true });
  }
});
