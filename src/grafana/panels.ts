/** What a dashboard is made of, as data; build.ts turns it into Grafana's JSON with the foundation SDK. */

export const dashboardLanguages = ["en", "zh", "de", "vi"] as const;
export type DashboardLanguage = (typeof dashboardLanguages)[number];

/** A text in every language: English, 简体中文, Deutsch, Tiếng Việt. */
export type Words = readonly [en: string, zh: string, de: string, vi: string];

export function inLanguage(words: Words, language: DashboardLanguage): string {
  return words[dashboardLanguages.indexOf(language)] ?? words[0];
}

/** Grafana's names of units. */
export type PanelUnit =
  | "reqps"
  | "percentunit"
  | "s"
  | "short"
  | "currencyUSD"
  | "bytes"
  | "dateTimeFromNow"
  | "none";

export interface Query {
  readonly expr: string;
  /** Grafana's legend: `{{upstream}}`. */
  readonly legend: string;
  /** The latest value only, for tables and single figures over a range. */
  readonly instant?: true;
}

export interface PanelSpec {
  readonly kind: "timeseries" | "stat" | "table" | "bargauge";
  readonly title: Words;
  readonly about: Words;
  readonly unit: PanelUnit;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width?: number;
  /** Yellow and red from here on; a pair that falls is red below its second. */
  readonly thresholds?: readonly [yellow: number, red: number];
  readonly stacked?: true;
  /** The alert whose runbook helps. */
  readonly runbook?: string;
  /** Why it may show nothing though all is well, as "no budget is configured". */
  readonly mayBeEmpty?: string;
}

export interface RowSpec {
  readonly title: Words;
  readonly panels: readonly PanelSpec[];
}

export interface DashboardSpec {
  /** Its uid is `bellwether-` and this. */
  readonly name: string;
  readonly title: Words;
  readonly about: Words;
  readonly rows: readonly RowSpec[];
}
