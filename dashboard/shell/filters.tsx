/** What chooses calls at present, each with the way to take it away. */
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import { FILTERS, type FilterName, withFilter } from "../state/range.ts";
import { useView } from "../state/view.ts";
import { Icon } from "./icon.tsx";

const NAMES: Readonly<Record<FilterName, MessageKey>> = {
  model: "column.model",
  app: "column.app",
  team: "column.team",
  upstream: "column.upstream",
  endpoint: "column.endpoint",
  route: "column.route",
  status: "column.status",
  error: "column.error",
};

export function FilterChips() {
  const { t } = useSpeech();
  const { route, filters } = useView();
  const set = FILTERS.filter((name) => filters[name] !== undefined);
  if (set.length === 0) return null;
  return (
    <ul class="chips" aria-label={t("filter.label")}>
      {set.map((name) => (
        <li key={name}>
          <span>
            {t(NAMES[name])} <b>{filters[name]}</b>
          </span>
          <a
            href={withFilter(route, name, undefined)}
            aria-label={t("filter.remove", { name: t(NAMES[name]) })}
          >
            <Icon name="close" />
          </a>
        </li>
      ))}
    </ul>
  );
}
