/**
 * Finds one thing per list of label values. A map in a map for each label, so that a look-up joins no
 * strings, and no two lists can meet, whatever characters they hold.
 */
interface Branch<T> {
  readonly branches: Map<string, Branch<T>>;
  leaf: T | undefined;
}

export class LabelTree<T> {
  readonly #root: Branch<T> = { branches: new Map(), leaf: undefined };

  /** The leaf of `values`; when there is none yet, `make` makes it. */
  get(values: readonly string[], make: (values: readonly string[]) => T): T {
    let branch = this.#root;
    for (const value of values) {
      let next = branch.branches.get(value);
      if (next === undefined) {
        next = { branches: new Map(), leaf: undefined };
        branch.branches.set(value, next);
      }
      branch = next;
    }
    branch.leaf ??= make(values);
    return branch.leaf;
  }
}
