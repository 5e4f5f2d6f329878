/** Adds and removes apps' keys in the text of a configuration; everything else, comments included, stays as it is. */
import { type Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap } from "yaml";
import { parseAppKey } from "./app-key.ts";

/** What an edit was refused for; the message says what to do. */
export class KeyEditError extends Error {
  override readonly name = "KeyEditError";
}

/** The text with `key` (as `apps[].keys` writes it) added to an app, which is made when there is none of the name. */
export function addKey(text: string, app: string, key: string): string {
  const document = parse(text);
  const entry = appNamed(document, app);
  if (entry === undefined) {
    const made = { name: app, keys: [key] };
    if (isSeq(document.get("apps"))) document.addIn(["apps"], document.createNode(made));
    else document.set("apps", document.createNode([made]));
  } else if (isSeq(entry.get("keys"))) entry.addIn(["keys"], key);
  else entry.set("keys", document.createNode([key]));
  return document.toString({ lineWidth: 0 });
}

/** The text without the key whose hash begins so, and the app that had it. */
export function removeKey(text: string, prefix: string): { text: string; app: string } {
  const document = parse(text);
  const found = keysOf(document).filter(({ key }) => key.slice("sha256:".length).startsWith(prefix));
  const [one] = found;
  if (one === undefined)
    throw new KeyEditError(`no key's hash begins with ${prefix}; see \`bellwether keys list\`.`);
  if (found.length > 1)
    throw new KeyEditError(`${found.length} keys' hashes begin with ${prefix}; give more digits.`);
  const keys = one.entry.get("keys");
  if (isSeq(keys) && keys.items.length === 1) {
    throw new KeyEditError(
      `it is the only key of app ${one.app}; create another first, or remove the app from the configuration.`,
    );
  }
  one.entry.deleteIn(["keys", one.index]);
  return { text: document.toString({ lineWidth: 0 }), app: one.app };
}

/** The text with every key of an app that does not expire yet expiring on `day` (`2027-01-31`). */
export function expireKeys(text: string, app: string, day: string): string {
  const document = parse(text);
  if (appNamed(document, app) === undefined) {
    throw new KeyEditError(`there is no app ${app}; \`bellwether keys create ${app}\` makes it.`);
  }
  for (const { entry, index, key, app: owner } of keysOf(document)) {
    if (owner === app && parseAppKey(key)?.until === undefined) {
      entry.setIn(["keys", index], `${key} until ${day}`);
    }
  }
  return document.toString({ lineWidth: 0 });
}

function parse(text: string): Document {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new KeyEditError(`the configuration cannot be edited: ${error.message}`);
  return document;
}

interface Placed {
  readonly app: string;
  readonly entry: YAMLMap;
  readonly index: number;
  readonly key: string;
}

function keysOf(document: Document): Placed[] {
  return appsOf(document).flatMap((entry) => {
    const keys = entry.get("keys");
    if (!isSeq(keys)) return [];
    return keys.items.map((item, index) => ({
      ...{ app: String(entry.get("name")), entry, index },
      key: isScalar(item) ? String(item.value) : "",
    }));
  });
}

function appsOf(document: Document): YAMLMap[] {
  const apps = document.get("apps");
  return isSeq(apps) ? apps.items.filter((item): item is YAMLMap => isMap(item)) : [];
}

function appNamed(document: Document, name: string): YAMLMap | undefined {
  return appsOf(document).find((entry) => entry.get("name") === name);
}
