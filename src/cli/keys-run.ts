/** The work of `bellwether keys`: edits the configuration's text, checks what came of it, and puts it in place at once. */
import { createHash, randomBytes } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAppKey } from "../config/app-key.ts";
import { addKey, expireKeys, KeyEditError, removeKey } from "../config/app-key-edit.ts";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { parseConfig } from "../config/parse.ts";

export interface KeysOptions {
  readonly config?: string;
  readonly json?: true;
  /** A day, `2027-01-31`. */
  readonly expires?: string;
  /** Days for which old keys still work after a rotation. */
  readonly graceDays?: string;
}

/** 256 random bits; the beginning says whose key it is, should it be found somewhere. */
function newKey(): string {
  return `bw-${randomBytes(32).toString("base64url")}`;
}

const DAY_MS = 86_400_000;
const SHOWN_DIGITS = 12;

export async function createKey(app: string, options: KeysOptions): Promise<void> {
  const { expires } = options;
  if (
    expires !== undefined &&
    (parseAppKey(`sha256:${"0".repeat(64)} until ${expires}`)?.until ?? 0) < Date.now()
  ) {
    throw new KeyEditError(`--expires ${expires} is not a day to come; write it as 2027-01-31.`);
  }
  const key = newKey();
  const entry = `${hashOf(key)}${expires === undefined ? "" : ` until ${expires}`}`;
  const file = await edit(options, (text) => addKey(text, app, entry));
  tell(options, { app, key, entry, file });
}

export async function rotateKey(app: string, options: KeysOptions): Promise<void> {
  const days = Number(options.graceDays);
  if (!Number.isInteger(days) || days < 0 || days > 3650) {
    throw new KeyEditError("--grace-days must be a whole number of days, 0 to 3650.");
  }
  const day = new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
  const key = newKey();
  const entry = hashOf(key);
  const file = await edit(options, (text) => {
    const expiring = expireKeys(text, app, day);
    return addKey(expiring, app, entry);
  });
  tell(options, { app, key, entry, file, oldKeysUntil: day });
}

export async function revokeKey(hash: string, options: KeysOptions): Promise<void> {
  const prefix = hash.replace(/^sha256:/, "").toLowerCase();
  if (!/^[0-9a-f]{6,64}$/.test(prefix)) {
    throw new KeyEditError(
      "give at least six hexadecimal digits of the key's hash; see `bellwether keys list`.",
    );
  }
  let app = "";
  const file = await edit(options, (text) => {
    const removed = removeKey(text, prefix);
    app = removed.app;
    return removed.text;
  });
  process.stdout.write(`revoked a key of app ${app} in ${file}\n`);
}

export async function listKeys(options: KeysOptions): Promise<void> {
  const { config } = await loadConfig({ file: options.config, cwd: process.cwd(), env: environment() });
  const now = Date.now();
  const keys = config.apps.flatMap(({ name, team, keys: entries }) =>
    entries.map((entry) => {
      const { hash = "", until } = parseAppKey(entry) ?? {};
      const expires = until === undefined ? null : new Date(until).toISOString();
      return { app: name, team: team ?? null, hash, expires, expired: until !== undefined && until <= now };
    }),
  );
  if (options.json === true) process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`);
  else if (keys.length === 0)
    process.stdout.write("no app has a key; `bellwether keys create <app>` makes one\n");
  else {
    const width = Math.max(...keys.map(({ app }) => app.length));
    for (const { app, hash, expires, expired } of keys) {
      const end = expires === null ? "" : `  ${expired ? "expired" : "expires"} ${expires}`;
      process.stdout.write(`${app.padEnd(width)}  ${hash.slice(0, SHOWN_DIGITS)}${end}\n`);
    }
  }
}

function hashOf(key: string): string {
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Replaces the file by its edited text: written beside it, checked, then renamed, so that it is never half there. */
async function edit(options: KeysOptions, change: (text: string) => string): Promise<string> {
  const file = options.config ?? join(process.cwd(), "bellwether.yaml");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" || options.config !== undefined) throw error;
    throw new KeyEditError("there is no bellwether.yaml here; write one, or name yours with --config.");
  });
  const changed = change(text);
  // What a gateway would refuse is never put in place: this throws with every problem.
  parseConfig(changed, file, environment());
  const { mode } = await stat(file);
  const beside = `${file}.${process.pid}.tmp`;
  await writeFile(beside, changed, { mode });
  await rename(beside, file);
  return file;
}

interface Told {
  readonly app: string;
  readonly key: string;
  readonly entry: string;
  readonly file: string;
  readonly oldKeysUntil?: string;
}

/** The key goes to standard output alone, so that it can be piped to where it is needed. */
function tell(options: KeysOptions, told: Told): void {
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    return;
  }
  process.stderr.write(`key of app ${told.app}, shown this once; its hash is in ${told.file}\n`);
  if (told.oldKeysUntil !== undefined) process.stderr.write(`its old keys work until ${told.oldKeysUntil}\n`);
  process.stdout.write(`${told.key}\n`);
}
