/**
 * Reads what Alertmanager (webhook, version 4) and Grafana (its alerting's webhook, which has the same shape and more)
 * post, so that they can reach channels that they do not know.
 */
import * as z from "zod";
import { type Alert, fingerprintOf } from "../core/alert.ts";
import type { Notification } from "./notification.ts";

const LONGEST_TEXT = 10_000;
const MOST_ALERTS = 10_000;

const text = z.string().max(LONGEST_TEXT);
const texts = z.record(z.string(), text);
/** Grafana writes some as null. */
const optionalTexts = texts.nullish().transform((value) => value ?? {});

const time = z.string().transform((value, context) => {
  const ms = Date.parse(value);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: "custom", message: "is not a time" });
  return z.NEVER;
});

const payload = z.object({
  groupKey: text.default(""),
  groupLabels: optionalTexts,
  truncatedAlerts: z.number().int().nonnegative().default(0),
  externalURL: text.default(""),
  alerts: z
    .array(
      z.object({
        status: z.enum(["firing", "resolved"]),
        labels: optionalTexts,
        annotations: optionalTexts,
        startsAt: time,
        endsAt: time.optional(),
        generatorURL: text.nullish(),
        fingerprint: text.optional(),
        // Grafana's.
        valueString: text.nullish(),
        panelURL: text.nullish(),
        dashboardURL: text.nullish(),
      }),
    )
    .min(1)
    .max(MOST_ALERTS),
});

/** A body that is not such a payload; the message says what is wrong with it. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
}

/** @throws PayloadError */
export function readPayload(body: string): Notification {
  const parsed = payload.safeParse(parseJson(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join(".") || "the body";
    throw new PayloadError(
      `${place}: ${issue?.message ?? "is wrong"}. Send Alertmanager's or Grafana's webhook payload.`,
    );
  }
  const { groupKey, groupLabels, truncatedAlerts, externalURL, alerts } = parsed.data;
  return {
    groupKey: groupKey === "" ? JSON.stringify(groupLabels) : groupKey,
    groupLabels,
    truncated: truncatedAlerts,
    externalUrl: externalURL,
    alerts: alerts.map((alert): Alert => {
      const { status, labels, annotations, startsAt, endsAt, fingerprint } = alert;
      const links = [alert.generatorURL, alert.panelURL, alert.dashboardURL];
      return {
        status,
        labels,
        annotations:
          alert.valueString && !annotations.value
            ? { ...annotations, value: alert.valueString }
            : annotations,
        startsAt,
        // A firing alert's end is the year 1.
        endsAt: status === "resolved" && endsAt !== undefined && endsAt > 0 ? endsAt : undefined,
        generatorUrl: links.find((url) => url) ?? "",
        fingerprint: fingerprint || fingerprintOf(labels),
      };
    }),
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new PayloadError("The body is not JSON. Send Alertmanager's or Grafana's webhook payload.");
  }
}
