/** Routes: the rules in the order in which they are asked, and a tester that says where a call would go, and why. */
import { useState } from "preact/hooks";
import type { AppsAnswer, RouteExplanation, RouteQuestion, RoutesAnswer } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { Failure, Loading, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { RouteVerdicts } from "../parts/route-verdicts.tsx";
import { Table, type TableColumn } from "../parts/table.tsx";
import { ApiFailure, ask } from "../state/api.ts";
import { useApi } from "../state/use-api.ts";

const EXAMPLE = `models:
  auto: { route: true }
routes:
  - { name: code, when: { model: auto, prompt: "\\\\b(code|function|bug)\\\\b" }, use: { model: gpt-4.1 } }
  - { name: rest, when: { model: auto }, use: { strategy: cheapest, of: [deepseek-v3.2, gemini-2.5-flash] } }`;

const TRAITS = [
  ["streaming", "route.streaming"],
  ["tools", "route.tools"],
  ["images", "route.images"],
  ["json", "route.json"],
] as const;

const ENDPOINTS = ["chat", "responses", "messages", "generate", "embeddings"] as const;

export function Routes() {
  const { t } = useSpeech();
  const { data, failure } = useApi<RoutesAnswer>("/api/routes");
  if (failure !== undefined) return <Failure failure={failure} />;
  if (data === undefined) return <Loading />;
  return (
    <>
      {data.routes.length === 0 ? (
        <Notice>
          <p>
            <strong>{t("route.none")}</strong> {t("route.none.try")}
          </p>
          <pre tabIndex={0}>{EXAMPLE}</pre>
        </Notice>
      ) : (
        <Rules routes={data} />
      )}
      <Tester models={data.virtualModels} />
    </>
  );
}

function Rules({ routes: { routes, virtualModels } }: { readonly routes: RoutesAnswer }) {
  const { t } = useSpeech();
  const columns: TableColumn[] = [
    { name: "name", title: t("route.rule"), unit: "text", at: 0 },
    { name: "priority", title: t("route.priority"), unit: "count", at: 1 },
    { name: "when", title: t("route.when"), unit: "text", at: 2 },
    { name: "use", title: t("route.use"), unit: "text", at: 3 },
  ];
  const rows = routes.map(({ name, priority, when, use }) => [
    name,
    priority,
    when.length === 0 ? t("route.always") : when.join(" · "),
    use,
  ]);
  return (
    <Panel
      title={t("page.routes")}
      note={virtualModels.length === 0 ? undefined : t("route.virtual", { names: virtualModels.join(", ") })}
    >
      <Table label={t("page.routes")} columns={columns} rows={rows} sortable={false} />
    </Panel>
  );
}

function Tester({ models }: { readonly models: readonly string[] }) {
  const { t } = useSpeech();
  const apps = useApi<AppsAnswer>("/api/apps").data?.apps ?? [];
  const [question, setQuestion] = useState<RouteQuestion>({ model: models[0] ?? "" });
  const [answer, setAnswer] = useState<RouteExplanation>();
  const [problem, setProblem] = useState("");
  const change = (part: Partial<RouteQuestion>) => setQuestion({ ...question, ...part });
  const submit = async (event: Event) => {
    event.preventDefault();
    setProblem("");
    try {
      setAnswer(await ask<RouteExplanation>("/api/route/explain", { method: "POST", body: asked(question) }));
    } catch (error) {
      setAnswer(undefined);
      setProblem(error instanceof ApiFailure ? error.message || t("state.unreachable") : String(error));
    }
  };
  return (
    <Panel title={t("route.test")} note={t("route.test.note")}>
      <form class="fields" onSubmit={(event) => void submit(event)}>
        <label>
          {t("column.model")}
          <input
            class="control"
            name="model"
            required
            maxLength={256}
            placeholder="auto"
            value={question.model}
            onInput={({ currentTarget }) => change({ model: currentTarget.value })}
          />
        </label>
        <label>
          {t("column.app")}
          <select
            class="control"
            name="app"
            value={question.app ?? ""}
            onChange={({ currentTarget }) => change({ app: currentTarget.value })}
          >
            <option value="">{t("route.anyApp")}</option>
            {apps.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("column.endpoint")}
          <select
            class="control"
            name="endpoint"
            value={question.endpoint ?? "chat"}
            onChange={({ currentTarget }) => change({ endpoint: currentTarget.value })}
          >
            {ENDPOINTS.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("route.tokens")}
          <input
            class="control"
            type="number"
            name="inputTokens"
            min={0}
            placeholder={t("route.estimated")}
            value={question.inputTokens ?? ""}
            onInput={({ currentTarget: { value } }) => {
              const { inputTokens: _, ...rest } = question;
              setQuestion(value === "" ? rest : { ...rest, inputTokens: Number(value) });
            }}
          />
        </label>
        <label class="wide">
          {t("route.prompt")}
          <textarea
            class="control"
            name="prompt"
            rows={3}
            value={question.prompt ?? ""}
            onInput={({ currentTarget }) => change({ prompt: currentTarget.value })}
          />
        </label>
        <fieldset class="checks wide">
          <legend class="unseen">{t("route.traits")}</legend>
          {TRAITS.map(([name, title]) => (
            <label key={name}>
              <input
                type="checkbox"
                name={name}
                checked={question[name] === true}
                onChange={({ currentTarget }) => change({ [name]: currentTarget.checked })}
              />
              {t(title)}
            </label>
          ))}
        </fieldset>
        <button type="submit" class="button primary">
          {t("route.explain")}
        </button>
        <p class="tone-bad" role="alert">
          {problem}
        </p>
      </form>
      {answer !== undefined && <RouteVerdicts answer={answer} />}
    </Panel>
  );
}

/** Without what was left empty. */
function asked(question: RouteQuestion): RouteQuestion {
  const { model, ...rest } = question;
  const given = Object.entries(rest).filter(
    ([, value]) => value !== "" && value !== false && value !== undefined,
  );
  return { model: model.trim(), ...Object.fromEntries(given) };
}
