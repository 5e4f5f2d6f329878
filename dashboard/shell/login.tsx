/** What is shown to whom the API is not open: the login, or why there is none. */
import { useState } from "preact/hooks";
import { useSpeech } from "../messages/index.tsx";
import { ApiFailure, askSession, logIn } from "../state/api.ts";
import { Logo } from "./logo.tsx";

// biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration file's own way to name a variable
const SETTING = "server:\n  adminToken: ${BELLWETHER_ADMIN_TOKEN}";

export function Login() {
  const { t } = useSpeech();
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await logIn(token.trim());
    } catch (error) {
      const { status = 0, message = "" } = error instanceof ApiFailure ? error : {};
      const known = { 0: t("state.unreachable"), 401: t("login.wrong"), 429: t("login.throttled") };
      setProblem(known[status as keyof typeof known] ?? message);
      setBusy(false);
    }
  };
  return (
    <main class="gate">
      <Logo />
      <h1>{t("login.title")}</h1>
      <p>{t("login.text")}</p>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {t("login.token")}
          <input
            class="control"
            type="password"
            name="token"
            autocomplete="current-password"
            required
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary" disabled={busy}>
          {t("login.button")}
        </button>
      </form>
      <p class="tone-bad" role="alert">
        {problem}
      </p>
    </main>
  );
}

export function Forbidden({ message }: { readonly message: string }) {
  const { t } = useSpeech();
  return (
    <main class="gate">
      <Logo />
      <h1>{t("forbidden.title")}</h1>
      <p>{t("forbidden.text")}</p>
      <pre>{SETTING}</pre>
      <p class="hint">{message}</p>
      <button type="button" class="button" onClick={() => void askSession().catch(() => undefined)}>
        {t("forbidden.again")}
      </button>
    </main>
  );
}
