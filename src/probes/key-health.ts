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
  /** True where it has several, so that a call's end does not tell which one it was. */
  hasSeveral?(upstream: string): boolean;
  /** A live call made a key doubtful: a probe should find out. False when none can. */
  doubt(upstream: string, key: number): boolean;
  changed(upstream: string, before: KeyState, after: KeyState, key: number): void;
}

export class KeyHealth implements Recorder {
  readonly #options: KeyHealthOptions;
  readonly #states = new Map<string, KeyState>();

  constructor(options: KeyHealthOptions) {
    this.#options = options;
  }

  /** `key` is its place among the upstream's keys, counted from 1. */
  stateOf(upstream: string, key = 1): KeyState {
    return this.#states.get(idOf(upstream, key)) ?? "unknown";
  }

  /** A probe's answer proves it. */
  prove(upstream: string, state: KeyState, key = 1): void {
    const before = this.stateOf(upstream, key);
    if (before === state) return;
    this.#states.set(idOf(upstream, key), state);
    this.#options.changed(upstream, before, state, key);
  }

  /** One of several keys was refused to a live call. */
  refused(upstream: string, key: number, status: number): void {
    if (status === 401 || status === 403) this.#refused(upstream, status, key);
  }

  /** Forgets upstreams that are not configured any more, and keys that are others now. */
  retain(upstreams: ReadonlySet<string>): void {
    for (const id of this.#states.keys()) {
      if (!upstreams.has(id.slice(0, id.indexOf("\n")))) this.#states.delete(id);
    }
  }

  started(_call: Call): void {
    // Only the answer tells.
  }

  settled({ probe, upstream, status, errorCode, billable }: Usage): void {
    // Probes read the answer's text, and so know more; and refusals of our own tell nothing.
    if (probe || errorCode !== undefined || !this.#options.isOurs(upstream)) return;
    if (this.#options.hasSeveral?.(upstream) === true) return;
    if (billable && status < 300) {
      if (this.stateOf(upstream) !== "valid") this.prove(upstream, "valid");
    } else if (status === 401 || status === 403 || status === NO_QUOTA_STATUS)
      this.#refused(upstream, status);
  }

  #refused(upstream: string, status: number, key = 1): void {
    const before = this.stateOf(upstream, key);
    const checked = this.#options.doubt(upstream, key);
    // A refusal may be about a model or a region too: where a probe can find out, that decides.
    if (status === 403 && checked) return;
    if (before === "expired" || before === "no_quota") return;
    this.prove(upstream, status === NO_QUOTA_STATUS ? "no_quota" : "invalid", key);
  }
}

function idOf(upstream: string, key: number): string {
  return `${upstream}\n${key}`;
}
