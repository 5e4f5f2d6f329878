/** A letter in the small Markdown that chat robots share: bold, links, line breaks. */
import type { Letter, LetterItem } from "./letter.ts";

/** How a dialect of Markdown writes what they do not share. */
export interface MarkdownStyle {
  /** Text that came from outside: it must neither mention anybody nor become a link. */
  plain(text: string): string;
  heading(text: string, letter: Pick<Letter, "status" | "severity">): string;
  readonly lineBreak: string;
}

export function markdownOf(letter: Letter, style: MarkdownStyle): string {
  const blocks = [style.heading(style.plain(letter.title), letter), ...itemsOf(letter, style)];
  if (letter.more !== "") blocks.push(style.plain(letter.more));
  if (letter.link !== undefined) blocks.push(linkOf(letter.link.text, letter.link.url, style));
  return blocks.join("\n\n");
}

/** The items alone, each as one block. */
export function itemsOf(letter: Letter, style: MarkdownStyle): string[] {
  return letter.items.map((item) => itemText(item, style));
}

function itemText(item: LetterItem, style: MarkdownStyle): string {
  const lines = [`**${style.plain(item.heading)}**`];
  if (item.description !== "") lines.push(style.plain(item.description));
  for (const [name, value] of item.facts) lines.push(`${style.plain(name)}: ${style.plain(value)}`);
  if (item.links.length > 0) {
    lines.push(item.links.map(({ text, url }) => linkOf(text, url, style)).join(" · "));
  }
  return lines.join(style.lineBreak);
}

export function linkOf(text: string, url: string, style: MarkdownStyle): string {
  // A bracket or blank would end the link early.
  const target = url
    .replace(/[\s()<>]/g, encodeURIComponent)
    .replace(/\(/g, "%28")
    .replace(/\)/g, "%29");
  return `[${style.plain(text)}](${target})`;
}

/** Takes from a text what robots read as tags, mentions and links; looks nearly the same to people. */
export function harmless(text: string): string {
  return text
    .replaceAll("<", "‹")
    .replaceAll(">", "›")
    .replaceAll("](", "] (")
    .replace(/\*{2,}/g, "*");
}
