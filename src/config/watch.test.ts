import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Watching, watchFiles } from "./watch.ts";

let folder: string;
let file: string;
let watching: Watching;
const changed = vi.fn();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwether-"));
  file = join(folder, "bellwether.yaml");
  await writeFile(file, "server: {}\n");
  changed.mockClear();
});
afterEach(async () => {
  watching.close();
  await rm(folder, { recursive: true, force: true });
});

/** Starts to watch, and returns once the first look at the file is over. */
async function watchNow(path: string, pollMs = 50): Promise<void> {
  watching = watchFiles([path], changed, { pollMs, settleMs: 20 });
  await new Promise((resolve) => setTimeout(resolve, 50));
}

const times = (count: number) =>
  vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(count), { timeout: 5_000 });

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
  watching = watchFiles([file], changed, { pollMs: 20, settleMs: 150 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (let i = 0; i < 10; i++) await writeFile(file, `# ${"x".repeat(i)}\n`);
  await times(1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(changed).toHaveBeenCalledTimes(1);
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
  await new Promise((resolve) => setTimeout(resolve, 50));
  await writeFile(secret, "22");
  await times(1);
  watching.follow([file, other]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await writeFile(secret, "333");
  await writeFile(other, "22");
  await times(2);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(changed).toHaveBeenCalledTimes(2);
});

test("nothing is reported when other files change, or after the end", async () => {
  await watchNow(file);
  await writeFile(join(folder, "other"), "x");
  await new Promise((resolve) => setTimeout(resolve, 200));
  watching.close();
  await writeFile(file, "server: { port: 1 }\n");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(changed).not.toHaveBeenCalled();
});
