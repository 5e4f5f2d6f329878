/** The process's environment. Only src/config reads `process.env`; everybody else is given this. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process, live. */
export function environment(): Environment {
  return process.env;
}
