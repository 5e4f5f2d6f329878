/**
 * Tells the app's OpenTelemetry of each call: a client span, and the two client metrics of the GenAI
 * conventions. The app hands over its own `@opentelemetry/api`; nothing of it is imported here.
 * Source: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
 */
import type { Attributes, Histogram, MeterProvider, Span, TracerProvider } from "@opentelemetry/api";
import { genaiBounds, operationNames } from "../metrics/profiles/genai.ts";
import type { Call, Recorder, Usage } from "../usage/usage.ts";

/** `import { metrics, trace } from "@opentelemetry/api"`: either, or both. */
export interface OpenTelemetryOptions {
  readonly metrics?: Pick<MeterProvider, "getMeter">;
  readonly trace?: Pick<TracerProvider, "getTracer">;
}

/** What attributes tell of an upstream. */
interface Server {
  readonly provider: string;
  readonly host: string;
}

const SCOPE = "bellwether";
/** `SpanKind.CLIENT` and `SpanStatusCode.ERROR`: fixed numbers of the API. */
const CLIENT = 2;
const ERROR = 2;

export class OpenTelemetry implements Recorder {
  readonly #upstream: (name: string) => Server | undefined;
  readonly #duration: Histogram | undefined;
  readonly #tokens: Histogram | undefined;
  readonly #trace: OpenTelemetryOptions["trace"];
  /** Spans of calls that have not ended, by call id. */
  readonly #spans = new Map<string, Span>();

  constructor(options: OpenTelemetryOptions, upstream: (name: string) => Server | undefined) {
    this.#upstream = upstream;
    this.#trace = options.trace;
    const meter = options.metrics?.getMeter(SCOPE);
    this.#duration = meter?.createHistogram("gen_ai.client.operation.duration", {
      description: "GenAI operation duration.",
      unit: "s",
      advice: { explicitBucketBoundaries: genaiBounds.duration },
    });
    this.#tokens = meter?.createHistogram("gen_ai.client.token.usage", {
      description: "Number of input and output tokens used.",
      unit: "{token}",
      advice: { explicitBucketBoundaries: genaiBounds.tokens },
    });
  }

  started(call: Call): void {
    const name = operationOf(call);
    if (this.#trace === undefined || name === undefined) return;
    const tracer = this.#trace.getTracer(SCOPE);
    const span = tracer.startSpan(`${name} ${call.modelSent}`.trimEnd(), {
      kind: CLIENT,
      startTime: call.startedAt,
      attributes: this.#attributes(call, name),
    });
    this.#spans.set(call.id, span);
  }

  settled(usage: Usage): void {
    const name = operationOf(usage);
    if (name === undefined) return;
    const attributes = this.#attributes(usage, name);
    if (usage.modelAnswered !== "") attributes["gen_ai.response.model"] = usage.modelAnswered;
    const failed: Attributes =
      usage.errorType === undefined ? attributes : { ...attributes, "error.type": usage.errorType };
    this.#duration?.record(usage.durationMs / 1000, failed);
    const { inputTokens, outputTokens } = usage.quantities;
    if (inputTokens !== undefined) {
      this.#tokens?.record(inputTokens, { ...attributes, "gen_ai.token.type": "input" });
    }
    if (outputTokens !== undefined) {
      this.#tokens?.record(outputTokens, { ...attributes, "gen_ai.token.type": "output" });
    }
    this.#endSpan(usage, failed);
  }

  #endSpan(usage: Usage, attributes: Attributes): void {
    const span = this.#spans.get(usage.id);
    if (span === undefined) return;
    this.#spans.delete(usage.id);
    const { inputTokens, outputTokens, cachedInputTokens } = usage.quantities;
    span.setAttributes({ ...attributes, "http.response.status_code": usage.status });
    if (inputTokens !== undefined) span.setAttribute("gen_ai.usage.input_tokens", inputTokens);
    if (outputTokens !== undefined) span.setAttribute("gen_ai.usage.output_tokens", outputTokens);
    if (cachedInputTokens !== undefined) {
      span.setAttribute("gen_ai.usage.cache_read.input_tokens", cachedInputTokens);
    }
    if (usage.errorType !== undefined) span.setStatus({ code: ERROR, message: usage.errorType });
    span.end(usage.startedAt + usage.durationMs);
  }

  #attributes(call: Call, name: string): Attributes {
    const upstream = this.#upstream(call.upstream);
    const attributes: Attributes = {
      "gen_ai.operation.name": name,
      "gen_ai.provider.name": upstream?.provider ?? call.upstream,
    };
    if (call.modelSent !== "") attributes["gen_ai.request.model"] = call.modelLabel || call.modelSent;
    if (upstream !== undefined && upstream.host !== "") attributes["server.address"] = upstream.host;
    return attributes;
  }
}

/** The conventions' name of the operation; lists of models and unknown paths are none. */
function operationOf(call: Call): string | undefined {
  return operationNames[call.endpoint];
}
