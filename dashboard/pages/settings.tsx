/** Settings: the configuration in force, secrets masked, with a search. */
import { useState } from "preact/hooks";
import { useSpeech } from "../messages/index.tsx";
import { Failure, Loading, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { groupsOf, type Setting, type SettingsGroup } from "../show/settings.ts";
import { useApi } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

interface SettingsAnswer {
  readonly file: string | null;
  readonly config: Readonly<Record<string, unknown>>;
}

export function Settings() {
  const { t } = useSpeech();
  const { route } = useView();
  const { data, failure } = useApi<SettingsAnswer>("/api/settings");
  const [wanted, setWanted] = useState(route.params.section ?? "");
  if (failure !== undefined) return <Failure failure={failure} />;
  if (data === undefined) return <Loading />;
  const sections = Object.entries(data.config)
    .map(([name, value]) => ({ name, groups: found(name, groupsOf(value), wanted) }))
    .filter(({ groups }) => groups.length > 0);
  return (
    <>
      <div class="fields">
        <label>
          {t("settings.search")}
          <input
            class="control"
            type="search"
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        </label>
      </div>
      <p class="hint">
        {data.file === null ? t("settings.noFile") : t("settings.file", { file: data.file })}{" "}
        {t("settings.masked")}
      </p>
      {sections.length === 0 && <Notice>{t("state.nothing")}</Notice>}
      <div class="columns">
        {sections.map(({ name, groups }) => (
          <Panel key={name} title={name}>
            {groups.map((group) => (
              <Group key={group.name} group={group} />
            ))}
          </Panel>
        ))}
      </div>
    </>
  );
}

function Group({ group: { name, settings } }: { readonly group: SettingsGroup }) {
  return (
    <>
      {name !== "" && <h3 class="group-name mono">{name}</h3>}
      <dl class="facts settings">
        {settings.map(({ path, text }) => (
          <div key={path}>
            <dt class="mono">{path}</dt>
            <dd class="mono">{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** What of a section has the word in its name or value; a section or group of that name whole. */
function found(section: string, groups: readonly SettingsGroup[], wanted: string): SettingsGroup[] {
  const word = wanted.trim().toLowerCase();
  const has = (text: string) => text.toLowerCase().includes(word);
  const fits = ({ path, text }: Setting) => has(path) || has(text);
  if (has(section)) return [...groups];
  return groups
    .map(({ name, settings }) => ({ name, settings: has(name) ? settings : settings.filter(fits) }))
    .filter(({ settings }) => settings.length > 0);
}
