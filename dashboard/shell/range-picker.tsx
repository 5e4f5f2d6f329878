/** Chooses the stretch of time, by name or from and to, and how often figures are asked for. */
import { useState } from "preact/hooks";
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import { chooseRefresh, REFRESH_SECONDS, refreshSeconds } from "../state/preferences.ts";
import { isNamed, momentText, RANGES, type RangeName, withRange } from "../state/range.ts";
import { refreshNow } from "../state/refresh.ts";
import { goTo } from "../state/route.ts";
import { useStore } from "../state/store.ts";
import { useView } from "../state/view.ts";
import { Icon } from "./icon.tsx";

const NAMES: Readonly<Record<RangeName, MessageKey>> = {
  "15m": "range.15m",
  "1h": "range.1h",
  "6h": "range.6h",
  "24h": "range.24h",
  "7d": "range.7d",
  "30d": "range.30d",
  today: "range.today",
  yesterday: "range.yesterday",
  month: "range.month",
  "last-month": "range.last-month",
  year: "range.year",
};

export function RangePicker() {
  const { t } = useSpeech();
  const { route, range } = useView();
  const [custom, setCustom] = useState(false);
  const named = isNamed(range);
  const choose = (value: string) => {
    setCustom(value === "custom");
    if (value !== "custom") goTo(withRange(route, value));
  };
  return (
    <>
      <select
        class="control"
        aria-label={t("range.label")}
        value={named && !custom ? range.from : "custom"}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
      >
        {RANGES.map((name) => (
          <option key={name} value={name}>
            {t(NAMES[name])}
          </option>
        ))}
        <option value="custom">{t("range.custom")}</option>
      </select>
      {(custom || !named) && <CustomRange key={`${range.from}${range.to}`} done={() => setCustom(false)} />}
    </>
  );
}

function CustomRange({ done }: { readonly done: () => void }) {
  const { t } = useSpeech();
  const { route, range } = useView();
  const [from, setFrom] = useState(() => localText(Date.parse(range.from) || Date.now() - 86_400_000));
  const [to, setTo] = useState(() => localText(Date.parse(range.to ?? "") || Date.now()));
  const apply = (event: Event) => {
    event.preventDefault();
    const [start, end] = [Date.parse(from), Date.parse(to)];
    if (Number.isNaN(start) || Number.isNaN(end)) return;
    goTo(withRange(route, momentText(start), momentText(end)));
    done();
  };
  return (
    <form class="custom-range" onSubmit={apply}>
      <input
        class="control"
        type="datetime-local"
        aria-label={t("range.from")}
        value={from}
        max={to}
        required
        onInput={({ currentTarget }) => setFrom(currentTarget.value)}
      />
      <span aria-hidden>–</span>
      <input
        class="control"
        type="datetime-local"
        aria-label={t("range.to")}
        value={to}
        min={from}
        required
        onInput={({ currentTarget }) => setTo(currentTarget.value)}
      />
      <button type="submit" class="button">
        {t("range.apply")}
      </button>
    </form>
  );
}

/** As an input for local times has it. */
function localText(at: number): string {
  const shifted = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

export function RefreshPicker() {
  const { t, show } = useSpeech();
  const seconds = useStore(refreshSeconds);
  return (
    <div class="joined">
      <button
        type="button"
        class="control icon-button"
        aria-label={t("refresh.now")}
        title={t("refresh.now")}
        onClick={refreshNow}
      >
        <Icon name="refresh" />
      </button>
      <select
        class="control"
        aria-label={t("refresh.label")}
        value={String(seconds)}
        onChange={({ currentTarget }) => chooseRefresh(Number(currentTarget.value))}
      >
        {REFRESH_SECONDS.map((each) => (
          <option key={each} value={String(each)}>
            {each === 0 ? t("refresh.off") : show.span(each * 1000)}
          </option>
        ))}
      </select>
    </div>
  );
}
