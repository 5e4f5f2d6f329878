/** Where a call goes: by the rules, where there are some, else by the model's own upstreams. */
import { BellwetherError } from "../core/errors.ts";
import type { Downgrade } from "../limits/limiter.ts";
import { RouteFacts } from "../routing/facts.ts";
import type { CallRecord } from "./call-record.ts";
import { routeByFallback, type Target, targetOf } from "./places.ts";
import { noUpstream, type ReadRequest } from "./read-request.ts";
import type { Settings, Surroundings } from "./state.ts";

/**
 * The plan for a request that asks for `wanted`, which may be what a budget has downgraded it to. What was decided by rules is noted in the record.
 * @throws BellwetherError no_upstream or no_route.
 */
export function planCall(
  request: ReadRequest,
  wanted: string,
  path: string,
  record: Pick<CallRecord, "app" | "team" | "startedAt" | "routed">,
  settings: Settings,
  { breakers, metrics }: Pick<Surroundings, "breakers" | "metrics">,
  downgrade?: Downgrade,
): Target {
  const target = decided(request, wanted, path, record, settings, breakers, downgrade);
  if (target.avoided !== undefined) metrics.fellBack(target.avoided, target.upstream.name, "breaker");
  return target;
}

function decided(
  request: ReadRequest,
  wanted: string,
  path: string,
  record: Pick<CallRecord, "app" | "team" | "startedAt" | "routed">,
  settings: Settings,
  breakers: Surroundings["breakers"],
  downgrade: Downgrade | undefined,
): Target {
  const { operation, family } = request;
  const { router } = settings;
  // Lists, files and the like name no model, and are nobody's to route.
  if (router === undefined || wanted === "") {
    const plan = settings.plan(wanted, operation.dialect.name, family);
    if (plan === undefined) throw noUpstream(wanted, path);
    const target = targetOf(plan, settings, breakers);
    const route = routeOf(downgrade?.route ?? "", target);
    if (route !== "") record.routed(route, target.model, target.upstream.name);
    return target;
  }
  const { app, team, startedAt: at } = record;
  const { facts, parsed, body, head } = request;
  const call = {
    operation,
    family,
    asked: wanted,
    facts,
    parsed,
    body,
    headers: head.forward,
    app,
    team,
    at,
  };
  const { plan, route, reason, undecided } = router.decide(new RouteFacts(call), undefined, downgrade);
  if (undecided) throw new BellwetherError("no_route", { model: JSON.stringify(wanted) });
  if (plan === undefined) throw noUpstream(wanted, path);
  const target = targetOf(plan, settings, breakers, reason);
  record.routed(routeOf(route, target), target.model, target.upstream.name);
  return target;
}

function routeOf(route: string, { fallbackOf }: Target): string {
  return fallbackOf === undefined ? route : routeByFallback(route, fallbackOf);
}
