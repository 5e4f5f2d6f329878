/** Starts the page. */
import { render } from "preact";
import { preferredLanguage, speak } from "./messages/index.tsx";
import { App } from "./shell/app.tsx";
import { startLive } from "./state/live.ts";
import { startPreferences } from "./state/preferences.ts";
import { startRefreshing } from "./state/refresh.ts";
import { startRouting } from "./state/route.ts";
import "./styles/index.css";

const place = document.getElementById("page");
if (place !== null) {
  startPreferences();
  startRouting();
  startLive();
  startRefreshing();
  render(<App />, place);
  void speak(preferredLanguage());
}
