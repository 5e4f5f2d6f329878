/**
 * Finds keys that cannot be right, so that a start says it and not the first failed call. Neither the
 * fault nor the fix ever quotes the key.
 */

export interface KeyFault {
  /** Completes "the key …". */
  readonly fault: string;
  readonly fix: string;
}

const EXAMPLE: KeyFault = {
  fault: "is an example's placeholder",
  fix: "Replace it with the key from your account at this upstream.",
};

/** In order: the first that matches is the most telling. */
const faults: readonly (KeyFault & { readonly when: RegExp })[] = [
  { when: /^\s*$/, fault: "is empty", fix: "Set it, or remove the setting." },
  {
    when: /[\r\n]/,
    fault: "contains a line break",
    fix: "Copy it again as one line; a file that holds it must have one line.",
  },
  {
    when: /^(authorization:\s*)?bearer\s/i,
    fault: "begins with `Bearer `",
    fix: "Remove `Bearer ` and keep what follows: Bellwether adds it where the API wants it.",
  },
  { when: /^\s|\s$/, fault: "begins or ends with white space", fix: "Remove the white space." },
  {
    when: /^["'`“‘]|["'`”’]$/,
    fault: "is in quotes",
    fix: "Remove the quotes: they became part of the value (as in an env file, where they are not special).",
  },
  { when: /^<.*>$/, ...EXAMPLE },
  { when: /\s/, fault: "contains white space", fix: "Copy it again: a key is one word." },
  {
    when: /[^\x21-\x7e]/,
    fault: "contains characters that no key has",
    fix: "Copy it again as plain ASCII; `…` or `•` mean that it was copied from where it is shown shortened.",
  },
  { when: /^api-?key-/i, fault: "begins with `api-key-`", fix: "Remove `api-key-` and keep what follows." },
  {
    when: /^\$\{?\w*\}?$|^%\w+%$|^\{\{.*\}\}$/,
    fault: "is the name of a variable, not its value",
    fix: `In the configuration write \${NAME}; elsewhere let the shell or the template fill it in.`,
  },
  {
    when: /^file:/i,
    fault: "is the address of a file",
    fix: "`file:` works in the configuration file only: write `apiKey: file:/path` there.",
  },
  { when: /^https?:/i, fault: "is a URL", fix: "Put the URL under `baseUrl`, and the key here." },
  { when: /^sha256:/i, fault: "is a hash", fix: "An upstream needs the key itself; hashes are for `apps`." },
  { when: /(?:^|[-_])(?:your|my)[-_]?(?:\w+[-_])*(?:api[-_]?)?(?:key|token|secret)/i, ...EXAMPLE },
  { when: /^(?:sk|pk|key|ak|hs)?[-_]?(?:\w{1,12}[-_])?[x*.]{3,}$/i, ...EXAMPLE },
  { when: /^(?:\w{1,12}[-_])*x{4,}/i, ...EXAMPLE },
  { when: /^(?:sk-)?\.{3}|\.{3}$/, ...EXAMPLE },
  {
    when: /^(?:sk-)?(?:change[-_]?me|replace[-_]?me|todo|fixme|none|null|undefined|true|false|dummy|placeholder|example|secret|password|token|key|api[-_]?key|insert.*here|your.*here|paste.*here|put.*here|test|1234(?:5(?:6(?:7(?:8(?:9(?:0)?)?)?)?)?)?)$/i,
    ...EXAMPLE,
  },
];

/** What is wrong with a key, or undefined when it may be right. */
export function keyFault(key: string): KeyFault | undefined {
  const found = faults.find(({ when }) => when.test(key));
  return found === undefined ? undefined : { fault: found.fault, fix: found.fix };
}
