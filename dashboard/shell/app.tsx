/** The frame around every view: the pages at the side, what is chosen at the top; or the login. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Speaking, useSpeech } from "../messages/index.tsx";
import { type Page, pages } from "../pages/index.ts";
import { Notice } from "../parts/notice.tsx";
import { askSession, session } from "../state/api.ts";
import { live } from "../state/live.ts";
import { chosenRange } from "../state/range.ts";
import { currentRoute, hrefOf } from "../state/route.ts";
import { useStore } from "../state/store.ts";
import { UsualRange } from "../state/view.ts";
import { FilterChips } from "./filters.tsx";
import { Icon } from "./icon.tsx";
import { Forbidden, Login } from "./login.tsx";
import { Logo } from "./logo.tsx";
import { RangePicker, RefreshPicker } from "./range-picker.tsx";
import { SidePanel } from "./side-panel.tsx";

export function App() {
  return (
    <Speaking>
      <Gate />
    </Speaking>
  );
}

function Gate() {
  const { t } = useSpeech();
  const { state, ...rest } = useStore(session);
  switch (state) {
    case "open":
      return <Frame />;
    case "login":
      return <Login />;
    case "forbidden":
      return <Forbidden message={"message" in rest ? rest.message : ""} />;
    case "asking":
      return <Asking label={t("shell.connecting")} />;
  }
}

const AGAIN_MS = 2_000;

function Asking({ label }: { readonly label: string }) {
  useEffect(() => {
    const attempt = () => void askSession().catch(() => undefined);
    attempt();
    const timer = setInterval(attempt, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="gate">
      <Logo />
      <p role="status">{label}</p>
    </main>
  );
}

function Frame() {
  const { t, language } = useSpeech();
  const route = useStore(currentRoute);
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const page = pages.find(({ id }) => id === (route.page || "overview"));
  const title = page === undefined ? t("shell.missing") : t(page.title);
  useEffect(() => {
    document.title = `${title} · Bellwether`;
  }, [title]);
  useEffect(() => {
    setMenu(false);
    scrollTo(0, 0);
  }, [route.page]);
  return (
    <UsualRange.Provider value={page?.range ?? "24h"}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {t("shell.skip")}
      </button>
      <div class={`frame${menu ? " menu-open" : ""}`}>
        <SidePanel shown={menu} close={() => setMenu(false)}>
          <PageLinks here={page?.id} />
        </SidePanel>
        <div class="body">
          <header class="top">
            <button
              type="button"
              class="control icon-button menu-button"
              aria-label={t("shell.menu")}
              aria-expanded={menu}
              onClick={() => setMenu(!menu)}
            >
              <Icon name="menu" />
            </button>
            <h1>{title}</h1>
            <LiveMark />
            {page?.range !== undefined && (
              <div class="controls">
                <RangePicker />
                <RefreshPicker />
              </div>
            )}
          </header>
          <main ref={main} tabIndex={-1} key={language}>
            {page?.range !== undefined && <FilterChips />}
            {page === undefined ? <Notice>{t("shell.missing")}</Notice> : <page.View />}
          </main>
        </div>
      </div>
    </UsualRange.Provider>
  );
}

function PageLinks({ here }: { readonly here: string | undefined }) {
  const { t } = useSpeech();
  const route = useStore(currentRoute);
  const { now } = useStore(live);
  const firing = now?.alertsFiring ?? 0;
  const mark = ({ id }: Page) =>
    id === "alerts" && firing > 0 ? <span class="badge">{t("shell.firing", { count: firing })}</span> : null;
  return (
    <ul class="page-links">
      {pages
        .filter(({ hidden }) => hidden !== true)
        .map((page) => (
          <li key={page.id}>
            <a
              href={hrefOf(page.id, page.range === undefined ? {} : chosenRange(route))}
              aria-current={page.id === here ? "page" : undefined}
            >
              <Icon name={page.icon} />
              {t(page.title)}
              {mark(page)}
            </a>
          </li>
        ))}
    </ul>
  );
}

/** Whether the figures move, and whether they are real. */
function LiveMark() {
  const { t } = useSpeech();
  const { connected, now } = useStore(live);
  const text = connected ? t("shell.live") : t(now === undefined ? "shell.connecting" : "shell.lost");
  return (
    <span class="marks">
      <span class={`mark ${connected ? "mark-live" : "mark-lost"}`} role="status">
        {text}
      </span>
      {now?.simulated === true && (
        <span class="mark mark-simulated" title={t("shell.simulated")}>
          {t("shell.simulated.short")}
        </span>
      )}
    </span>
  );
}
