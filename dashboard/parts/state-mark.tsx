/** A state in a word, with a colour that says how bad it is. */
import type { ComponentChildren } from "preact";

export type Tone = "good" | "warn" | "bad" | "idle";

export function StateMark({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`state state-${tone}`}>{children}</span>;
}
