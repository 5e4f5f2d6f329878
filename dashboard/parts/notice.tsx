/** What stands in a view that has nothing to show: why, and what to do next. */
import type { ComponentChildren } from "preact";
import { useSpeech } from "../messages/index.tsx";
import type { ApiFailure } from "../state/api.ts";

export function Notice({ children, tone }: { readonly children: ComponentChildren; readonly tone?: "bad" }) {
  return (
    <div
      class={`notice${tone === undefined ? "" : ` notice-${tone}`}`}
      role={tone === "bad" ? "alert" : undefined}
    >
      {children}
    </div>
  );
}

export function Failure({ failure }: { readonly failure: ApiFailure }) {
  const { t } = useSpeech();
  if (failure.code === "ledger_unavailable" && failure.message.includes("switched off")) {
    return <Notice>{t("state.noLedger")}</Notice>;
  }
  if (failure.status === 0) return <Notice tone="bad">{t("state.unreachable")}</Notice>;
  return <Notice tone="bad">{t("state.failed", { why: failure.message })}</Notice>;
}

/** While the first answer is awaited. */
export function Loading() {
  const { t } = useSpeech();
  return (
    <div class="loading" role="status">
      {t("state.loading")}
    </div>
  );
}

/** No calls: how to send one. */
export function NoCalls() {
  const { t } = useSpeech();
  const { origin } = location;
  return (
    <Notice>
      <p>
        <strong>{t("state.noCalls")}</strong> {t("state.noCalls.try")}
      </p>
      <pre tabIndex={0}>
        {`curl ${origin}/v1/chat/completions -H 'content-type: application/json' \\\n  -d '{"model":"gpt-4.1","messages":[{"role":"user","content":"Hello"}]}'`}
      </pre>
      <p>{t("state.demo")}</p>
      <pre tabIndex={0}>bellwether demo</pre>
    </Notice>
  );
}
