import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));
const OLD = `sha256:${createHash("sha256").update("old").digest("hex")}`;
const TEXT = `# Who calls
server: { auth: keys }
upstreams:
  relay: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "\${RELAY_KEY:-k}" } # ours
apps:
  - name: shop
    keys:
      - ${OLD} # the first
`;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwether-keys-"));
  await writeFile(join(folder, "bellwether.yaml"), TEXT);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function keys(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, "keys", ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const text = (): Promise<string> => readFile(join(folder, "bellwether.yaml"), "utf8");
const hash = (key: string): string => createHash("sha256").update(key).digest("hex");

it("makes a key that is printed once and kept as its hash, and leaves the rest of the file as it was", async () => {
  const { code, stdout } = await keys("create", "ci", "--expires", "2999-01-31");
  expect(code).toBe(0);
  const key = stdout.trim();
  expect(key).toMatch(/^bw-[\w-]{43}$/);
  const written = await text();
  expect(written).not.toContain(key);
  expect(written).toContain(`sha256:${hash(key)} until 2999-01-31`);
  expect(written).toContain("# Who calls");
  expect(written).toContain("# ours");
  expect(written).toContain("# the first");
  expect(written).toContain(`\${RELAY_KEY:-k}`);
  expect(await readdir(folder)).toEqual(["bellwether.yaml"]);
  const listed = JSON.parse((await keys("list", "--json")).stdout) as object[];
  expect(listed).toMatchObject([
    { app: "shop", expires: null },
    { app: "ci", expires: "2999-02-01T00:00:00.000Z" },
  ]);
});

it("rotates: a new key, and an end for the old ones", async () => {
  const dayAfterTomorrow = () => new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
  const begun = dayAfterTomorrow();
  const { stdout } = await keys("rotate", "shop", "--grace-days", "2");
  // Another one where midnight is between.
  const days = [begun, dayAfterTomorrow()];
  const written = await text();
  expect(days).toContain(new RegExp(`${OLD} until (\\S+)`).exec(written)?.[1]);
  expect(written).toContain(`sha256:${hash(stdout.trim())}\n`);
});

it("revokes by the hash's beginning, but never an app's last key", async () => {
  const begins = OLD.slice("sha256:".length, "sha256:".length + 10);
  const last = await keys("revoke", begins);
  expect(last).toMatchObject({ code: 1, stderr: expect.stringContaining("only key of app shop") });
  await keys("create", "shop");
  expect(await keys("revoke", begins)).toMatchObject({ code: 0 });
  expect(await text()).not.toContain(OLD);
});

it("refuses what it cannot do, and changes nothing then", async () => {
  expect(await keys("revoke", "ffffffffff")).toMatchObject({ code: 1 });
  expect((await keys("rotate", "nobody")).stderr).toContain("there is no app nobody");
  expect((await keys("create", "no good name")).code).toBe(1);
  expect((await keys("create", "ci", "--expires", "2020-01-01")).stderr).toContain("not a day to come");
  expect(await text()).toBe(TEXT);
});
