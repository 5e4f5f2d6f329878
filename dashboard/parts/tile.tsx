/** One figure, large, with its name, and what belongs to it below. */
import type { ComponentChildren } from "preact";

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly note?: ComponentChildren;
  readonly tone?: "good" | "warn" | "bad" | undefined;
  /** For tests and scripts: which figure it is. */
  readonly figure?: string;
  readonly href?: string;
  readonly children?: ComponentChildren;
}

export function Tile({ name, value, note, tone, figure, href, children }: TileProps) {
  const inside = (
    <>
      <dt>{name}</dt>
      <dd class={tone === undefined ? "" : `tone-${tone}`} data-figure={figure}>
        {value}
      </dd>
      {note !== undefined && <dd class="tile-note">{note}</dd>}
    </>
  );
  return (
    <div class="tile">
      {href === undefined ? (
        <dl>{inside}</dl>
      ) : (
        <a href={href} class="tile-link">
          <dl>{inside}</dl>
        </a>
      )}
      {children}
    </div>
  );
}

/** Tiles in as many columns as fit. */
export function Tiles({ children }: { readonly children: ComponentChildren }) {
  return <div class="tiles">{children}</div>;
}
