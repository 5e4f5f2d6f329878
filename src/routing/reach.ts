/** Whether a rule can ever be asked and hold: what makes it impossible, and what an earlier rule leaves to it. */
import type { Config, RouteConfig } from "../config/schema.ts";
import { matchesWildcard } from "../core/wildcard.ts";
import { listed } from "./condition.ts";
import { minutesOf } from "./conditions/time-of-day.ts";

type When = RouteConfig["when"];
type Names = string | readonly string[];

/** Why no call can ever meet these conditions, and under which key; undefined where one may. */
export function impossible(
  when: When,
  config: Config,
): { readonly key: keyof When; readonly why: string } | undefined {
  const { inputTokens, time, app, team, model, endpoint, tools, images, json, reasoning } = when;
  if (inputTokens !== undefined) {
    const { above = 0, below = Number.POSITIVE_INFINITY } = inputTokens;
    if (above + 1 >= below)
      return { key: "inputTokens", why: `no number is more than ${above} and fewer than ${below}` };
  }
  if (time !== undefined && minutesOf(time.from) === minutesOf(time.to)) {
    return { key: "time", why: `from ${time.from} to ${time.to} there is no time` };
  }
  const unnamed = ["embeddings", "images", "audio", "models"];
  if (endpoint !== undefined && listed(endpoint).every((each) => unnamed.includes(each))) {
    const asks =
      tools === true || json === true || images === true || (reasoning !== undefined && reasoning !== false);
    if (asks)
      return { key: "endpoint", why: "such calls have neither tools, images, JSON mode nor reasoning" };
  }
  if (app === undefined && team === undefined) return undefined;
  const apps = config.apps.filter(
    ({ name, team: of = "" }) =>
      (app === undefined || covers(app, name)) && (team === undefined || covers(team, of)),
  );
  const anonymous = team === undefined && app !== undefined && covers(app, "anonymous");
  if (apps.length === 0 && !anonymous) {
    if (app !== undefined && team !== undefined)
      return { key: "team", why: "none of these apps belongs to it" };
    return undefined; // Unknown names are told of on their own.
  }
  if (anonymous && config.server.auth !== "keys") return undefined;
  if (config.server.auth !== "keys")
    return { key: "app", why: "without `server.auth: keys` every call is anonymous" };
  if (apps.length === 0) return { key: "app", why: "with `server.auth: keys` no call is anonymous" };
  if (model !== undefined && apps.every(({ models }) => models !== undefined && !overlap(models, model))) {
    return { key: "model", why: `${apps.map(({ name }) => name).join(", ")} may not ask for it` };
  }
  const may = (name: string): boolean =>
    apps.some(({ endpoints }) => endpoints === undefined || endpoints.some((each) => each === name));
  if (endpoint !== undefined && !listed(endpoint).some(may)) {
    return { key: "endpoint", why: `${apps.map(({ name }) => name).join(", ")} may not make such calls` };
  }
  return undefined;
}

/** Whether every call that meets `later` meets `earlier` too, so that a rule with the first leaves none to the second. */
export function shadows(earlier: When, later: When): boolean {
  // What goes by the state holds at times only.
  if (earlier.state !== undefined) return false;
  return (Object.keys(earlier) as (keyof When)[]).every(
    (key) => earlier[key] === undefined || (later[key] !== undefined && narrower(key, earlier, later)),
  );
}

/** Whether what `later` wants under a key is wanted by `earlier` as well. */
function narrower(key: keyof When, earlier: When, later: When): boolean {
  switch (key) {
    case "model":
    case "app":
    case "team":
    case "endpoint":
      return listed(later[key] ?? []).every((name) => covers(earlier[key] ?? [], name));
    case "prompt":
    case "language":
      return listed<string>(later[key] ?? []).every((each) =>
        listed<string>(earlier[key] ?? []).includes(each),
      );
    case "keywords": {
      const words = listed(earlier.keywords ?? []).map((word) => word.toLowerCase());
      return listed(later.keywords ?? []).every((word) => words.includes(word.toLowerCase()));
    }
    case "reasoning":
      return narrowerEffort(earlier.reasoning ?? false, later.reasoning ?? false);
    case "headers":
      return Object.entries(earlier.headers ?? {}).every(([name, values]) => {
        const wanted = headerOf(later.headers ?? {}, name);
        return wanted !== undefined && listed(wanted).every((value) => covers(values, value));
      });
    case "inputTokens": {
      const [outer, inner] = [earlier.inputTokens ?? {}, later.inputTokens ?? {}];
      return (
        (outer.above ?? -1) <= (inner.above ?? -1) &&
        (outer.below ?? Number.POSITIVE_INFINITY) >= (inner.below ?? Number.POSITIVE_INFINITY)
      );
    }
    default:
      return JSON.stringify(earlier[key]) === JSON.stringify(later[key]);
  }
}

function narrowerEffort(
  earlier: NonNullable<When["reasoning"]>,
  later: NonNullable<When["reasoning"]>,
): boolean {
  if (typeof earlier === "boolean" || typeof later === "boolean") {
    if (typeof earlier === "boolean" && typeof later !== "boolean") {
      return listed(later).every((effort) => (effort !== "none") === earlier);
    }
    return earlier === later;
  }
  return listed(later).every((effort) => listed(earlier).includes(effort));
}

function headerOf(headers: Readonly<Record<string, Names>>, name: string): Names | undefined {
  return Object.entries(headers).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
}

/** Whether a name, or all that a pattern stands for, is among these. */
function covers(names: Names, name: string): boolean {
  return listed(names).some((each) => each === name || matchesWildcard(name, each));
}

/** Whether some name may be among both. */
function overlap(some: Names, others: Names): boolean {
  return listed(some).some((a) =>
    listed(others).some((b) => covers(a, b) || covers(b, a) || (a.includes("*") && b.includes("*"))),
  );
}
