/** Makes a letter as long as a channel allows, by leaving out the least urgent alerts and saying how many. */
import { type Letter, letterOf } from "./letter.ts";
import type { Language } from "./messages/index.ts";
import type { Notification } from "./notification.ts";

/** People read no further, and no channel takes more. */
const MOST_ITEMS = 40;

/**
 * The rendering with the most alerts that fits. `fits` must hold for a letter without items: titles are short.
 */
export function fitting<Rendered>(
  notification: Notification,
  language: Language,
  render: (letter: Letter) => Rendered,
  fits: (rendered: Rendered) => boolean,
): Rendered {
  const attempt = (count: number): Rendered => render(letterOf(notification, language, count));
  let most = Math.min(notification.alerts.length, MOST_ITEMS);
  const everything = attempt(most);
  if (fits(everything)) return everything;
  // Adding an alert makes it longer, so the largest count that fits is found by halving.
  let least = 0;
  while (most - least > 1) {
    const middle = (least + most) >> 1;
    if (fits(attempt(middle))) least = middle;
    else most = middle;
  }
  return attempt(least);
}

export function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
