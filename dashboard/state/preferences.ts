/** What a reader chose for this browser: language, light or dark, how often figures are asked for. */
import { store } from "./store.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Seconds; 0 is never. */
export const REFRESH_SECONDS = [0, 5, 10, 30, 60, 300] as const;

const DEFAULT_REFRESH = 10;

export const theme = store<Theme>("system");
export const refreshSeconds = store<number>(DEFAULT_REFRESH);

/** Stored text by name; a browser may refuse to store anything. */
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(`bellwether.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`bellwether.${name}`, value);
  } catch {
    // Then it is for this visit only.
  }
}

export function chooseTheme(chosen: Theme): void {
  theme.set(chosen);
  remember("theme", chosen);
  showTheme();
}

export function chooseRefresh(seconds: number): void {
  refreshSeconds.set(seconds);
  remember("refresh", String(seconds));
}

function showTheme(): void {
  const chosen = theme.get();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

export function startPreferences(): void {
  const wanted = remembered("theme");
  theme.set(THEMES.find((name) => name === wanted) ?? "system");
  const seconds = remembered("refresh");
  if (seconds !== undefined) {
    refreshSeconds.set(REFRESH_SECONDS.find((each) => String(each) === seconds) ?? DEFAULT_REFRESH);
  }
  showTheme();
}
