/**
 * Finds one thing per list of label values. A branch for each value, so that a look-up joins no strings,
 * and no two lists can meet, whatever characters they hold.
 */
export class LabelTree<T> {
  readonly #root = new Branch<T>();

  /** The leaf of `values`; when there is none yet, `make` makes it. */
  get(values: readonly string[], make: (values: readonly string[]) => T): T {
    let branch = this.#root;
    for (const value of values) branch = branch.to(value);
    branch.leaf ??= make(values);
    return branch.leaf;
  }
}

/** Most branches have one child (one method, one endpoint), for which a map would be ten times the size. */
class Branch<T> {
  leaf: T | undefined;
  #onlyValue: string | undefined;
  #onlyChild: Branch<T> | undefined;
  #children: Map<string, Branch<T>> | undefined;

  to(value: string): Branch<T> {
    if (this.#onlyChild !== undefined && this.#onlyValue === value) return this.#onlyChild;
    let child = this.#children?.get(value);
    if (child === undefined) {
      child = new Branch<T>();
      this.#add(value, child);
    }
    return child;
  }

  #add(value: string, child: Branch<T>): void {
    if (this.#onlyChild === undefined) {
      this.#onlyValue = value;
      this.#onlyChild = child;
    } else {
      this.#children ??= new Map();
      this.#children.set(value, child);
    }
  }
}
