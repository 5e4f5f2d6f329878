/**
 * Values that need more than their text: a secret, which prints masked whoever prints it, and a file
 * that is named in the configuration and read when it is loaded.
 */

const SHOWN_CHARACTERS = 4;
const SHOW_FROM_LENGTH = 12;

/** The end of a long secret is shown, so that two keys can be told apart; nothing of a short one. */
export function mask(secret: string): string {
  return secret.length >= SHOW_FROM_LENGTH ? `****${secret.slice(-SHOWN_CHARACTERS)}` : "****";
}

/** Text that must not be printed. `reveal` is the only way to it; every conversion to text masks it. */
export class Secret {
  readonly #value: string;
  /** What may be printed in its place. */
  readonly masked: string;

  constructor(value: string, masked: string = mask(value)) {
    this.#value = value;
    this.masked = masked;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.masked;
  }

  toJSON(): string {
    return this.masked;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.masked;
  }
}

/** A proxy's URL: only the user and password in it are secret. */
export function secretUrl(url: string): Secret {
  return new Secret(url, url.replace(/^([^/]*\/\/)[^/]*@/, "$1****@"));
}

/** A text file named in the configuration; it prints as its path. */
export class FileText {
  readonly path: string;
  /** Undefined until the configuration's loader has read it. */
  readonly text: string | undefined;

  constructor(path: string, text?: string) {
    this.path = path;
    this.text = text;
  }

  toJSON(): string {
    return this.path;
  }
}
