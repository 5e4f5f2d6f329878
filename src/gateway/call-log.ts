/** One log line per call. What it holds is what may be kept: no bodies, no headers, no keys. */
import type { Logger } from "../core/log.ts";
import { formatUsd } from "../core/money.ts";
import type { Call, Recorder, Usage } from "../usage/usage.ts";

export class CallLog implements Recorder {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  started(_call: Call): void {
    // A call is logged when it is over.
  }

  settled(usage: Usage): void {
    const { quantities } = usage;
    // JSON leaves out what is undefined: a line holds only what the call had.
    this.#log.info(
      {
        id: usage.id,
        traceId: orNothing(usage.traceId),
        upstreamId: orNothing(usage.upstreamRequestId),
        app: usage.app,
        upstream: usage.upstream,
        endpoint: usage.endpoint,
        model: orNothing(usage.modelRequested),
        sent: usage.modelSent === usage.modelRequested ? undefined : usage.modelSent,
        answered: usage.modelAnswered === usage.modelSent ? undefined : orNothing(usage.modelAnswered),
        stream: usage.streaming || undefined,
        status: usage.status,
        error: usage.errorType,
        code: usage.errorCode,
        ms: rounded(usage.durationMs),
        firstTokenMs: rounded(usage.firstTokenMs),
        overheadMs: rounded(usage.overheadMs),
        input: quantities.inputTokens,
        cached: quantities.cachedInputTokens,
        output: quantities.outputTokens,
        reasoning: quantities.reasoningTokens,
        usage: usage.billable ? usage.source : undefined,
        usd: usage.billable ? (usage.cost === undefined ? "unpriced" : formatUsd(usage.cost)) : undefined,
        bytesIn: usage.bytesIn,
        bytesOut: usage.bytesOut,
      },
      "call",
    );
  }
}

function orNothing(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** Milliseconds to the microsecond. */
function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1000) / 1000;
}
