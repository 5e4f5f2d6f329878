/** Silences: those in force, with the way to end them, and the form for another. */
import { useState } from "preact/hooks";
import type { NewSilence, SilenceRow } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { parseMatchers } from "../show/matchers.ts";
import { ApiFailure, ask } from "../state/api.ts";
import { refreshNow } from "../state/refresh.ts";

const HOUR = 3_600_000;
const LENGTHS = [HOUR / 2, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR, 7 * 24 * HOUR] as const;

export function Silences({ silences }: { readonly silences: readonly SilenceRow[] }) {
  const { t, show } = useSpeech();
  if (silences.length === 0) return <p class="hint">{t("silence.none")}</p>;
  const end = async (id: string) => {
    await ask(`/api/alerts/silences/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => undefined);
    refreshNow();
  };
  return (
    <ul class="events">
      {silences.map(({ id, matchers, until, comment }) => (
        <li key={id}>
          <span class="mono">
            {Object.entries(matchers)
              .map(([label, value]) => `${label}=${value}`)
              .join(", ")}
          </span>
          <span class="hint">
            {t("silence.until", { time: show.time(until) })} {comment}
          </span>
          <button type="button" class="button" onClick={() => void end(id)}>
            {t("silence.end")}
          </button>
        </li>
      ))}
    </ul>
  );
}

export function SilenceForm({ matchers }: { readonly matchers: string }) {
  const { t, show } = useSpeech();
  const [text, setText] = useState(matchers);
  const [duration, setDuration] = useState<number>(HOUR);
  const [comment, setComment] = useState("");
  const [problem, setProblem] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setProblem("");
    const read = parseMatchers(text);
    if (read === undefined) return setProblem(t("silence.form"));
    try {
      const body: NewSilence = { matchers: read, duration, comment };
      await ask("/api/alerts/silences", { method: "POST", body });
      setText("");
      setComment("");
      refreshNow();
    } catch (error) {
      setProblem(error instanceof ApiFailure ? error.message || t("state.unreachable") : String(error));
    }
  };
  return (
    <form class="fields" onSubmit={(event) => void submit(event)}>
      <label class="wide">
        {t("silence.matchers")}
        <input
          class="control mono"
          name="matchers"
          required
          maxLength={500}
          placeholder="alertname=high-latency, upstream=holysheep"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <label>
        {t("silence.length")}
        <select
          class="control"
          name="duration"
          value={String(duration)}
          onChange={({ currentTarget }) => setDuration(Number(currentTarget.value))}
        >
          {LENGTHS.map((length) => (
            <option key={length} value={String(length)}>
              {show.span(length)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("silence.comment")}
        <input
          class="control"
          name="comment"
          maxLength={500}
          value={comment}
          onInput={({ currentTarget }) => setComment(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary">
        {t("silence.add")}
      </button>
      <p class="tone-bad" role="alert">
        {problem}
      </p>
    </form>
  );
}
