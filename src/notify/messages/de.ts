/** Deutsch. */
import type { Messages } from "./messages.ts";

export const de: Messages = {
  firing: "Alarm",
  resolved: "Behoben",
  critical: "kritisch",
  warning: "Warnung",
  info: "Hinweis",
  since: "Seit",
  ended: "Beendet",
  lasted: "Dauer",
  value: "Wert",
  runbook: "Was zu tun ist",
  details: "Einzelheiten",
  dashboard: "Übersicht",
  more: "und {count} weitere",
  alerts: "{count} Alarme",
  test: "Das ist ein Test des Kanals „{channel}“. Es ist nichts passiert.",
};
