/** Grafana's provisioning files: data source, dashboards in four languages, alert rules, contact points, policies. */
import { grafanaRules } from "../alerts/compile-grafana.ts";
import { promDuration } from "../alerts/promql.ts";
import type { NotifyRoute } from "../config/schema.ts";
import { buildDashboard } from "../grafana/build.ts";
import { dashboards } from "../grafana/dashboards/index.ts";
import { dashboardLanguages } from "../grafana/panels.ts";
import { runbooksOf, type StackFacts } from "./facts.ts";
import { groupingOf, patternsOf } from "./matchers.ts";
import { jsonFile, type StackFile, yamlFile } from "./stack-file.ts";

const DATASOURCE = "bellwether-prometheus";
const MS = 1000;
const FOLDERS = {
  en: "Bellwether",
  zh: "Bellwether 中文",
  de: "Bellwether Deutsch",
  vi: "Bellwether Tiếng Việt",
};

export interface GrafanaOptions {
  /** Folder of the dashboards, as Grafana sees it. */
  readonly dashboards: string;
}

export function grafanaFiles(facts: StackFacts, options: GrafanaOptions): StackFile[] {
  const provisioning = "grafana/provisioning";
  return [
    yamlFile(`${provisioning}/datasources/bellwether.yaml`, {
      apiVersion: 1,
      datasources: [
        {
          name: "Bellwether Prometheus",
          uid: DATASOURCE,
          type: "prometheus",
          access: "proxy",
          url: `http://${facts.addresses.prometheus}`,
          isDefault: true,
          jsonData: { timeInterval: "15s", httpMethod: "POST" },
        },
      ],
    }),
    yamlFile(`${provisioning}/dashboards/bellwether.yaml`, {
      apiVersion: 1,
      providers: dashboardLanguages.map((language) => ({
        name: `bellwether-${language}`,
        folder: FOLDERS[language],
        type: "file",
        options: { path: `${options.dashboards}/${language}` },
      })),
    }),
    yamlFile(
      `${provisioning}/alerting/rules.yaml`,
      grafanaRules(facts.rules, runbooksOf(facts), {
        datasource: DATASOURCE,
        paused: facts.sender !== "grafana",
      }),
    ),
    yamlFile(`${provisioning}/alerting/notifications.yaml`, notifications(facts)),
    ...dashboardLanguages.flatMap((language) =>
      dashboards.map((spec) =>
        jsonFile(
          `grafana/dashboards/${language}/${spec.name}.json`,
          withUid(
            buildDashboard(spec, { language, pageUrl: facts.externalUrl, runbooks: runbooksOf(facts) }),
            language === "en" ? `bellwether-${spec.name}` : `bellwether-${spec.name}-${language}`,
          ),
        ),
      ),
    ),
  ];
}

/** Each language's dashboard is one of its own. */
function withUid(dashboard: object, uid: string): object {
  return { ...dashboard, uid };
}

/** Every channel through Bellwether's webhook, which knows them all and keeps their secrets. */
function notifications({ channels, routes, addresses, adminToken, secrets }: StackFacts): object {
  const names = Object.keys(channels);
  const [first] = names;
  return {
    apiVersion: 1,
    contactPoints: names.map((name) => ({
      orgId: 1,
      name: `bellwether-${name}`,
      receivers: [
        {
          uid: `bellwether-${name}`.slice(0, 40),
          type: "webhook",
          settings: {
            url: `http://${addresses.bellwether}/alerts/${encodeURIComponent(name)}`,
            httpMethod: "POST",
            ...(adminToken
              ? {
                  authorization_scheme: "Bearer",
                  authorization_credentials: `$__file{${secrets}/bellwether-admin-token}`,
                }
              : {}),
          },
        },
      ],
    })),
    ...(first === undefined
      ? {}
      : {
          policies: [
            {
              orgId: 1,
              receiver: `bellwether-${first}`,
              group_by: ["alertname", "upstream"],
              routes: routes.flatMap((route) => policiesOf(route)),
            },
          ],
        }),
  };
}

function policiesOf(route: NotifyRoute): object[] {
  const { groupWait, groupInterval, repeatEvery, to } = route;
  // A policy has one receiver: a route to several is several policies, of which all but the last go on.
  return to.map((name, index) => ({
    receiver: `bellwether-${name}`,
    object_matchers: patternsOf(route).map(({ label, pattern }) => [label, "=~", `^(?:${pattern})$`]),
    group_by: groupingOf(route),
    group_wait: promDuration(Math.max(1, groupWait / MS)),
    group_interval: promDuration(Math.max(1, groupInterval / MS)),
    repeat_interval: promDuration(repeatEvery / MS),
    continue: route.continue || index < to.length - 1,
  }));
}
