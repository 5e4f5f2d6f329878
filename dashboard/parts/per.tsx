/** How far apart the points of a series are, in words. */
import { type MessageKey, useSpeech } from "../messages/index.tsx";

const NAMES: Readonly<Record<string, MessageKey>> = {
  minute: "chart.perMinute",
  hour: "chart.perHour",
  day: "chart.perDay",
  week: "chart.perWeek",
  month: "chart.perMonth",
};

export function Per({ unit }: { readonly unit: string | undefined }) {
  const { t } = useSpeech();
  const key = unit === undefined ? undefined : NAMES[unit];
  return <>{key === undefined ? "" : t(key)}</>;
}
