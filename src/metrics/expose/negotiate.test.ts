import { expect, test } from "vitest";
import { negotiate } from "./negotiate.ts";

const PROMETHEUS_2_42 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
const PROMETHEUS_3_NATIVE = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,${PROMETHEUS_3}`;
const PROMETHEUS_3_TEXT_ONLY = "text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

test.each([
  ["no header", undefined, "text"],
  ["an empty header", "", "text"],
  ["curl", "*/*", "text"],
  ["a browser", BROWSER, "text"],
  ["Prometheus 2.42", PROMETHEUS_2_42, "openmetrics"],
  ["Prometheus 3", PROMETHEUS_3, "openmetrics"],
  ["Prometheus 3 with native histograms", PROMETHEUS_3_NATIVE, "openmetrics"],
  ["Prometheus 3 told to use text", PROMETHEUS_3_TEXT_ONLY, "text"],
  ["text preferred by weight", "application/openmetrics-text;q=0.4,text/plain;q=0.5", "text"],
  ["OpenMetrics without a version, in capitals", "Application/OpenMetrics-Text", "openmetrics"],
  ["a quoted version", 'application/openmetrics-text; version="1.0.0"', "openmetrics"],
  ["OpenMetrics refused", "application/openmetrics-text;q=0,*/*", "text"],
  ["a version we do not write", "application/openmetrics-text;version=0.0.1", "text"],
  ["nothing we write", "image/png", "text"],
  ["a weight without sense", "application/openmetrics-text;q=high,text/plain;q=0.1", "openmetrics"],
])("%s", (_, accept, format) => {
  expect(negotiate(accept)).toBe(format);
});
