/** Why the ledger's database cannot be used, in words for whoever runs it. */

/**
 * `corrupted`: the file is no database or is damaged. `locked`: another process has it open. `newer-schema`: a
 * newer program wrote it. `unavailable`: the server does not answer. `refused`: it answers with an error.
 */
export type StoreErrorKind = "corrupted" | "locked" | "newer-schema" | "unavailable" | "refused";

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
