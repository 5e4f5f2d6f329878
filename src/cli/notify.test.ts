import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KEYS, Vendors } from "../../test/helpers/vendors.ts";
import { notifyCommand } from "./notify.ts";

let vendors: Vendors;
let folder: string;
let output: string;
beforeEach(async () => {
  vendors = new Vendors();
  const base = await vendors.listen();
  folder = await mkdtemp(join(tmpdir(), "bellwether-"));
  const config = {
    channels: {
      robot: { type: "wecom", key: KEYS.wecom, url: `${base}/wecom` },
      wrong: { type: "wecom", key: "not-the-key-1", url: `${base}/wecom` },
      unused: { type: "webhook", url: `${base}/webhook` },
    },
    notify: [
      { when: { severity: "critical" }, to: ["robot"] },
      { to: ["wrong"], repeatEvery: "1h" },
    ],
  };
  await writeFile(join(folder, "bellwether.yaml"), JSON.stringify(config));
  output = "";
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      output += String(text);
      return true;
    });
  }
  vi.spyOn(process, "cwd").mockReturnValue(folder);
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await vendors.close();
  await rm(folder, { recursive: true });
});

async function run(...argv: string[]): Promise<number> {
  await notifyCommand().parseAsync(argv, { from: "user" });
  return Number(process.exitCode);
}

it("lists the channels with what goes to them, and those that nothing goes to", async () => {
  expect(await run("list")).toBe(0);
  expect(output).toBe(`robot  wecom, en
  severity critical; by alert, upstream; again every 4h
wrong  wecom, en
  everything else; by alert, upstream; again every 1h
unused  webhook, en
  no route leads here
`);
});

it("a test message that arrives", async () => {
  expect(await run("test", "robot")).toBe(0);
  expect(output).toBe("arrived  robot\n");
  expect(vendors.of("wecom")).toHaveLength(1);
});

it("one that does not, with the reason and without the key; a name that is nearly right; for scripts", async () => {
  expect(await run("test", "wrong", "robto", "--json")).toBe(1);
  expect(JSON.parse(output)).toEqual([
    {
      channel: "wrong",
      arrived: false,
      why: "errcode 93000: the robot's key is wrong, or the robot was removed: check `key`",
    },
    { channel: "robto", arrived: false, why: 'there is no such channel. Did you mean "robot"?' },
  ]);
  expect(output).not.toContain("not-the-key-1");
});

it("asks which when none is named", async () => {
  expect(await run("test")).toBe(1);
  expect(output).toBe("Name a channel (robot, wrong, unused), or give --all.\n");
});
