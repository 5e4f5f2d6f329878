/** A framed part of a view, with its heading. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface PanelProps {
  readonly title: string;
  /** Beside the heading, smaller. */
  readonly note?: ComponentChildren;
  /** At the other end of the heading's line. */
  readonly aside?: ComponentChildren;
  readonly wide?: boolean;
  readonly children: ComponentChildren;
}

export function Panel({ title, note, aside, wide = false, children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel${wide ? " wide" : ""}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span class="note">{note}</span>}
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}
