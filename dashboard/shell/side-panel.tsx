/** The side of the frame: name, pages, and what a reader chooses for this browser. A drawer on a narrow screen. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import {
  chooseLanguage,
  LANGUAGES,
  type LanguageName,
  type MessageKey,
  useSpeech,
} from "../messages/index.tsx";
import { logOut, session } from "../state/api.ts";
import { live } from "../state/live.ts";
import { chooseTheme, THEMES, type Theme, theme } from "../state/preferences.ts";
import { hrefOf } from "../state/route.ts";
import { useStore } from "../state/store.ts";
import { Icon } from "./icon.tsx";
import { Logo } from "./logo.tsx";

interface SidePanelProps {
  readonly shown: boolean;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

const THEME_NAMES: Readonly<Record<Theme, MessageKey>> = {
  system: "shell.theme.system",
  light: "shell.theme.light",
  dark: "shell.theme.dark",
};

export function SidePanel({ shown, close, children }: SidePanelProps) {
  const { t, show, language } = useSpeech();
  const chosen = useStore(theme);
  const now = useStore(live).now;
  const state = useStore(session);
  useEffect(() => {
    if (!shown) return;
    const onKey = ({ key }: KeyboardEvent) => key === "Escape" && close();
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [shown, close]);
  return (
    <>
      {shown && (
        <button type="button" class="veil" aria-label={t("shell.close")} tabIndex={-1} onClick={close} />
      )}
      <nav class="side" aria-label={t("shell.pages")}>
        <div class="side-head">
          <a href={hrefOf("overview")} class="home">
            <Logo />
          </a>
          <button
            type="button"
            class="control icon-button side-close"
            aria-label={t("shell.close")}
            onClick={close}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
        <footer class="side-foot">
          <label>
            <span>{t("shell.language")}</span>
            <select
              class="control"
              value={language}
              onChange={({ currentTarget }) => void chooseLanguage(currentTarget.value as LanguageName)}
            >
              {Object.entries(LANGUAGES).map(([name, { name: own }]) => (
                <option key={name} value={name} lang={name}>
                  {own}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>{t("shell.theme")}</span>
            <select
              class="control"
              value={chosen}
              onChange={({ currentTarget }) => chooseTheme(currentTarget.value as Theme)}
            >
              {THEMES.map((name) => (
                <option key={name} value={name}>
                  {t(THEME_NAMES[name])}
                </option>
              ))}
            </select>
          </label>
          {state.state === "open" && state.needsToken && (
            <button type="button" class="button" onClick={() => void logOut()}>
              {t("shell.logout")}
            </button>
          )}
          {now !== undefined && (
            <p class="hint">
              {t("shell.version", { version: now.version, uptime: show.span(now.uptimeSeconds * 1000) })}
            </p>
          )}
        </footer>
      </nav>
    </>
  );
}
