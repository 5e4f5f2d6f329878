/** The beat at which views ask again: as often as chosen, at once by the button, and not while nobody looks. */
import { refreshSeconds } from "./preferences.ts";
import { store } from "./store.ts";

/** Grows by one each time everything is to be asked for anew. */
export const beat = store(0);

export function refreshNow(): void {
  beat.set(beat.get() + 1);
}

export function startRefreshing(): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const restart = () => {
    clearInterval(timer);
    const seconds = refreshSeconds.get();
    if (seconds > 0 && !document.hidden) timer = setInterval(refreshNow, seconds * 1000);
  };
  refreshSeconds.watch(restart);
  document.addEventListener("visibilitychange", () => {
    restart();
    if (!document.hidden && refreshSeconds.get() > 0) refreshNow();
  });
  restart();
}
