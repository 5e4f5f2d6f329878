/** What reading an answer's body needs to know of its call. */
import type { CallRecord } from "../gateway/call-record.ts";
import type { AnswerMeter } from "../usage/meter.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Ending } from "./ending.ts";
import { failureOf } from "./failure.ts";

export interface TappedCall {
  readonly meter: AnswerMeter;
  readonly record: CallRecord;
  readonly deadlines: Deadlines;
  readonly ending: Ending;
  /** The app's own. */
  readonly signal: AbortSignal | undefined;
  readonly upstream: string;
}

/** Ends a call whose body could not be read: the app has left, or the upstream or a limit has ended it. */
export function settleFailed({ deadlines, ending, upstream }: TappedCall, error: unknown): void {
  const { expired, left } = deadlines;
  if (left) ending.settle(undefined, true);
  else ending.settle(failureOf(expired ?? error, upstream, true), false);
}
