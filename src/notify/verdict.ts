/** What a vendor's answer means for a message. */

/** Whether a message arrived. */
export type Verdict =
  | { readonly arrived: true }
  | {
      readonly arrived: false;
      /** Whether it makes sense to try again. */
      readonly retry: boolean;
      /** What the vendor said, without anything secret, and what to do. */
      readonly why: string;
      /** The vendor asks to wait this long. */
      readonly afterMs?: number | undefined;
    };

export const ARRIVED: Verdict = { arrived: true };

export function refused(why: string): Verdict {
  return { arrived: false, retry: false, why };
}

export function later(why: string, afterMs?: number): Verdict {
  return { arrived: false, retry: true, why, afterMs };
}
