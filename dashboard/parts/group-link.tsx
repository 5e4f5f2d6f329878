/** A group's name in a table, leading to its calls, and beside it the way to see this view for it alone. */
import { useSpeech } from "../messages/index.tsx";
import { Icon } from "../shell/icon.tsx";
import type { Value } from "../show/values.ts";
import type { FilterName } from "../state/range.ts";
import { withFilter } from "../state/range.ts";
import { useView } from "../state/view.ts";

interface GroupLinkProps {
  readonly of: FilterName;
  readonly value: Value;
}

export function GroupLink({ of, value }: GroupLinkProps) {
  const { t } = useSpeech();
  const { link, filters, route } = useView();
  const name = String(value ?? "");
  if (name === "") return <span class="nothing">–</span>;
  return (
    <span class="group">
      <a href={link("calls", { ...filters, [of]: name })} title={t("group.calls", { name })}>
        {name}
      </a>
      {filters[of] === undefined && (
        <a
          class="only"
          href={withFilter(route, of, name)}
          aria-label={t("group.only", { name })}
          title={t("group.only", { name })}
        >
          <Icon name="search" />
        </a>
      )}
    </span>
  );
}
