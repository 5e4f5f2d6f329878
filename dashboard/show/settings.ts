/** A configuration as lines in groups: each setting by its path within its group, as one would name it. */

export interface Setting {
  /** `timeouts.connect`. */
  readonly path: string;
  readonly text: string;
}

export interface SettingsGroup {
  /** `relay` in `upstreams`, `shop` in `apps`; "" for what stands in the section itself. */
  readonly name: string;
  readonly settings: readonly Setting[];
}

/** What is deeper than anybody writes is shown as JSON. */
const DEEPEST = 8;

/** A top-level key's value: what has parts of its own is a group. */
export function groupsOf(value: unknown): SettingsGroup[] {
  if (!isTree(value)) return [{ name: "", settings: linesOf("", value, 0) }];
  const plain: Setting[] = [];
  const groups: SettingsGroup[] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (!isTree(inner)) plain.push(...linesOf(key, inner, 0));
    else groups.push({ name: nameOf(key, inner), settings: linesOf("", inner, 0) });
  }
  return plain.length > 0 ? [{ name: "", settings: plain }, ...groups] : groups;
}

/** Items of a list have their own names, as apps and routes do, or their place. */
function nameOf(key: string, value: object): string {
  const { name } = value as { readonly name?: unknown };
  return /^\d+$/.test(key) ? (typeof name === "string" ? name : `[${key}]`) : key;
}

function linesOf(path: string, value: unknown, depth: number): Setting[] {
  if (!isTree(value) || depth >= DEEPEST) return [{ path, text: textOf(value) }];
  return Object.entries(value).flatMap(([key, inner]) => {
    const part = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    return linesOf(part, inner, depth + 1);
  });
}

/** Objects and lists with such in them; a list of plain values is one line. */
function isTree(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return false;
  return !Array.isArray(value) || value.some((item) => typeof item === "object" && item !== null);
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "[]" : value.map(textOf).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
