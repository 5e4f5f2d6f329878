/** Which alerts a silence is for, as people write it. */

/** `label=value, label=value`; undefined when it is not that. */
export function parseMatchers(text: string): Record<string, string> | undefined {
  const matchers: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [, label, value] = /^\s*([a-zA-Z_]\w*)\s*=\s*"?([^"]+?)"?\s*$/.exec(part) ?? [];
    if (label === undefined || value === undefined) return undefined;
    matchers[label] = value;
  }
  return matchers;
}
