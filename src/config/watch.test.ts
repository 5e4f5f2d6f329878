import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Watching, watchFiles } from "./watch.ts";

let folder: string;
let file: string;
let watching: Watching;
const changed = vi.fn();

// Time passes only when a test waits for news, not while it writes.
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  folder = await mkdtemp(join(tmpdir(), "bellwether-"));
  file = join(folder, "bellwether.yaml");
  await writeFile(file, "server: {}\n");
  changed.mockClear();
});
afterEach(async () => {
  watching.close();
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

async function watchNow(path: string): Promise<void> {
  watching = watchFiles([path], changed, { pollMs: 50, settleMs: 20 });
  await watching.begun();
}

/** Lets time pass until a change has been told so often, and once more as long, and sees that it was not more often. */
async function times(count: number, told = changed): Promise<void> {
  const lastly = process.hrtime.bigint() + 45_000_000_000n;
  let steps = 0;
  for (; told.mock.calls.length < count && process.hrtime.bigint() < lastly; steps++) await pass();
  for (; steps >= 0; steps--) await pass();
  expect(told).toHaveBeenCalledTimes(count);
}

/** Lets a little time pass, and what was begun go on. */
async function pass(): Promise<void> {
  vi.advanceTimersByTime(10);
  await new Promise((resolve) => setImmediate(resolve));
}

test("writing in place is seen, each time", async () => {
  await watchNow(file);
  await writeFile(file, "server: { port: 1 }\n");
  await times(1);
  await writeFile(file, "server: { port: 22 }\n");
  await times(2);
});

test("replacing by a rename is seen, as editors do it", async () => {
  await watchNow(file);
  await writeFile(`${file}.tmp`, "server: { port: 1 }\n");
  await rename(file, `${file}~`);
  await rename(`${file}.tmp`, file);
  await times(1);
});

test("swapping a link to a folder is seen, as Kubernetes does it", async () => {
  for (const version of ["..1", "..2"]) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, "mounted.yaml"), `# ${version}\n`);
  }
  await symlink("..1", join(folder, "..data"));
  await symlink("..data/mounted.yaml", join(folder, "mounted.yaml"));
  await watchNow(join(folder, "mounted.yaml"));
  await symlink("..2", join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  await times(1);
});

test("a change behind a link to elsewhere is seen by polling", async () => {
  const linked = join(folder, "linked");
  await mkdir(linked);
  await symlink(file, join(linked, "bellwether.yaml"));
  await watchNow(join(linked, "bellwether.yaml"));
  await writeFile(file, "server: { port: 1 }\n");
  await times(1);
});

test("a burst of writes is one change", async () => {
  await watchNow(file);
  for (let i = 0; i < 10; i++) {
    await writeFile(file, `# ${"x".repeat(i)}\n`);
    await pass();
  }
  await times(1);
  await writeFile(file, "# the next\n");
  await times(2);
});

test("removing the file is a change, and so is its return", async () => {
  await watchNow(file);
  await rm(file);
  await times(1);
  await writeFile(file, "server: {}\n");
  await times(2);
});

test("other files are followed from when they are named", async () => {
  const [secret, other] = [join(folder, "secret"), join(folder, "other")];
  for (const each of [secret, other]) await writeFile(each, "1");
  await watchNow(file);
  watching.follow([file, secret]);
  await watching.begun();
  await writeFile(secret, "22");
  await times(1);
  watching.follow([file, other]);
  await watching.begun();
  await writeFile(secret, "333");
  await writeFile(other, "22");
  await times(2);
});

test("nothing is reported when other files change, or after the end", async () => {
  await watchNow(file);
  const changedToo = vi.fn();
  const another = watchFiles([file], changedToo, { pollMs: 50, settleMs: 20 });
  await another.begun();
  await writeFile(join(folder, "other"), "x");
  for (let step = 0; step < 30; step++) await pass();
  expect(changed).not.toHaveBeenCalled();
  watching.close();
  await writeFile(file, "server: { port: 1 }\n");
  await times(1, changedToo);
  another.close();
  expect(changed).not.toHaveBeenCalled();
});
