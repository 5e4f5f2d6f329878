/** The built command when nobody reads what it prints any more, as with `| head`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bellwether-output-"));
});
afterAll(() => rm(cwd, { recursive: true }));

it("a command ends without complaint", async () => {
  // Through a shell, for Node.js would give it a socket, which holds more than a pipe; the list is longer than that.
  const line = '"$0" "$1" prices list | head -n 1';
  const shell = spawn("sh", ["-c", line, process.execPath, PROGRAM], {
    cwd,
    env: { PATH: process.env.PATH },
  });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    shell[name].on("data", (text: Buffer) => {
      said[name] += text.toString();
    });
  }
  await once(shell, "close");
  expect(said).toEqual({ stdout: expect.stringMatching(/^model .*\n$/), stderr: "" });
});
