/**
 * What is known of each upstream's key. Probes prove most; live traffic is seen as well, so that a key that was
 * revoked a second ago is known before the next probe.
 */
import type { Call, Recorder, Usage } from "../usage/usage.ts";
import type { KeyState } from "./probe.ts";

const NO_QUOTA_STATUS = 402;

export interface KeyHealthOptions {
  /** False where clients send keys of their own, so that answers tell nothing of the upstream's. */
  isOurs(upstream: string): boolean;
  /** A live call made the key doubtful: a probe should find out. False when none can. */
  doubt(upstream: string): boolean;
  changed(upstream: string, before: KeyState, after: KeyState): void;
}

export class KeyHealth implements Recorder {
  readonly #options: KeyHealthOptions;
  readonly #states = new Map<string, KeyState>();

  constructor(options: KeyHealthOptions) {
    this.#options = options;
  }

  stateOf(upstream: string): KeyState {
    return this.#states.get(upstream) ?? "unknown";
  }

  /** A probe's answer proves it. */
  prove(upstream: string, state: KeyState): void {
    const before = this.stateOf(upstream);
    if (before === state) return;
    this.#states.set(upstream, state);
    this.#options.changed(upstream, before, state);
  }

  /** Forgets upstreams that are not configured any more, and keys that are others now. */
  retain(upstreams: ReadonlySet<string>): void {
    for (const name of this.#states.keys()) if (!upstreams.has(name)) this.#states.delete(name);
  }

  started(_call: Call): void {
    // Only the answer tells.
  }

  settled({ probe, upstream, status, errorCode, billable }: Usage): void {
    // Probes read the answer's text, and so know more; and refusals of our own tell nothing.
    if (probe || errorCode !== undefined || !this.#options.isOurs(upstream)) return;
    if (billable && status < 300) {
      if (this.stateOf(upstream) !== "valid") this.prove(upstream, "valid");
    } else if (status === 401 || status === 403 || status === NO_QUOTA_STATUS)
      this.#refused(upstream, status);
  }

  #refused(upstream: string, status: number): void {
    const before = this.stateOf(upstream);
    const checked = this.#options.doubt(upstream);
    // A refusal may be about a model or a region too: where a probe can find out, that decides.
    if (status === 403 && checked) return;
    if (before === "expired" || before === "no_quota") return;
    this.prove(upstream, status === NO_QUOTA_STATUS ? "no_quota" : "invalid");
  }
}
