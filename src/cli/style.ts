/** Colours and weights for people: on a terminal only, and not when NO_COLOR is set. */
import { styleText } from "node:util";
import { environment } from "../config/environment.ts";

type Format = Parameters<typeof styleText>[0];

/** Styles text for a stream as it is: terminal or not. */
export function styler(stream: { readonly isTTY?: boolean }): (format: Format, text: string) => string {
  const plain = stream.isTTY !== true || Boolean(environment().NO_COLOR);
  return plain ? (_format, text) => text : (format, text) => styleText(format, text);
}
