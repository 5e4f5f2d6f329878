/** Where a call would go, and what every rule on the way said. */
import type { RouteExplanation, RouteVerdict } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { StateMark } from "./state-mark.tsx";

export function RouteVerdicts({ answer }: { readonly answer: RouteExplanation }) {
  const { t } = useSpeech();
  const { place, problem, route, reason, fallbacks, steps } = answer;
  return (
    <div class="verdicts" role="status">
      <p class="verdict-sum">
        {place === null ? (
          <StateMark tone="bad">{t("route.refused")}</StateMark>
        ) : (
          <b data-figure="place">{`${place.upstream} / ${place.model}`}</b>
        )}
        <span class="hint">{t("route.by", { route, reason })}</span>
      </p>
      {problem !== null && <p class="tone-bad">{problem.message}</p>}
      {fallbacks.length > 0 && (
        <p class="hint">
          {t("route.fallbacks", {
            places: fallbacks.map(({ upstream, model }) => `${upstream} / ${model}`).join(", "),
          })}
        </p>
      )}
      {steps.map((step) => (
        <section key={step.model}>
          <h3>{t("route.step", { model: step.model })}</h3>
          <ol class="verdict-list">
            {step.verdicts.map((verdict) => (
              <Verdict key={verdict.rule} verdict={verdict} />
            ))}
          </ol>
          {step.verdicts.length === 0 && <p class="hint">{t("route.noRules")}</p>}
        </section>
      ))}
    </div>
  );
}

function Verdict({ verdict: { rule, outcome, conditions, use } }: { readonly verdict: RouteVerdict }) {
  const { t } = useSpeech();
  const taken = conditions.every(({ holds }) => holds);
  return (
    <li>
      <p>
        <StateMark tone={taken ? "good" : "idle"}>{rule}</StateMark> <span>{outcome}</span>{" "}
        <span class="hint">→ {use}</span>
      </p>
      {conditions.length > 0 && (
        <ul class="conditions">
          {conditions.map(({ key, wants, found, holds }) => (
            <li key={key}>
              <span class={holds ? "tone-good" : "tone-bad"} aria-hidden>
                {holds ? "✓" : "✗"}
              </span>{" "}
              <span class="unseen">{t(holds ? "yes" : "no")}</span>
              <span class="mono">{key}</span> {wants} <span class="hint">{t("route.found", { found })}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
