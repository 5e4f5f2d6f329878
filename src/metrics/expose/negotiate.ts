/** Chooses the exposition format that a scraper's `Accept` header prefers. */

export type Format = "text" | "openmetrics";

/**
 * OpenMetrics where it is asked for by name and nothing we can write is wanted more; else text, also when
 * the header is absent, or names only what we cannot write.
 */
export function negotiate(accept: string | undefined): Format {
  let openmetrics = 0;
  let text = 0;
  for (const range of (accept ?? "").toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const version = parameter(parameters, "version");
    const quality = weight(parameter(parameters, "q"));
    if (type === "application/openmetrics-text" && (version === undefined || version === "1.0.0")) {
      openmetrics = Math.max(openmetrics, quality);
    } else if (type === "text/plain" && (version === undefined || version === "0.0.4")) {
      text = Math.max(text, quality);
    }
  }
  return openmetrics > 0 && openmetrics >= text ? "openmetrics" : "text";
}

function parameter(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((part) => part.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replaceAll('"', "");
}

/** A weight is 0 to 1, and 1 when it is not given; one that makes no sense is ignored. */
function weight(q: string | undefined): number {
  const value = q === undefined ? 1 : Number(q);
  return value >= 0 && value <= 1 ? value : 1;
}
