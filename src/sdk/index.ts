/** `bellwether/meter`: metering inside an app, without a gateway. What is exported here is the library. */
export { BellwetherError } from "../core/errors.ts";
export { formatUsd } from "../core/money.ts";
export type { Quantities } from "../core/quantities.ts";
export type { PriceFile } from "../prices/price-file.ts";
export type { OwnPrice } from "../prices/pricing.ts";
export type { Estimator } from "../usage/estimate.ts";
export type { Endpoint, Provenance, Usage } from "../usage/usage.ts";
export { ApiError } from "./api-error.ts";
export { Bellwether, type ClientOptions } from "./client.ts";
export type {
  CallOptions,
  ChatChunk,
  ChatCompletion,
  ChatMessage,
  ChatParams,
  ContentPart,
  Embeddings,
  EmbeddingsParams,
  Images,
  ImagesParams,
  Model,
  TokenUsage,
  ToolCall,
} from "./client-types.ts";
export { createMeter, type Meter, type MetricsPageOptions, meteredFetch } from "./meter.ts";
export type { OpenTelemetryOptions } from "./open-telemetry.ts";
export type {
  ConcurrencyOptions,
  FallbackOptions,
  Fetch,
  MeterOptions,
  PriceSource,
  RateLimitOptions,
  RetryOptions,
  StatsOptions,
  TimeoutOptions,
} from "./options.ts";
export type { PromRegistry } from "./prom-client.ts";
export type { MetricsServer, ServeOptions } from "./serve.ts";
export type { Latencies, ModelStats, Stats } from "./stats.ts";
