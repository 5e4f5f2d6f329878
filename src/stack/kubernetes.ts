/** Kubernetes: the gateway with two replicas, the exporter with one, and what the Prometheus operator reads. */
import { prometheusRules } from "../alerts/compile-prometheus.ts";
import { imageOf } from "./compose.ts";
import { runbooksOf, type StackFacts } from "./facts.ts";
import { type StackFile, yamlFile } from "./stack-file.ts";

const USER = 1000;

const SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: USER,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

function labels(component: string): Record<string, string> {
  return { "app.kubernetes.io/name": "bellwether", "app.kubernetes.io/component": component };
}

function meta(name: string, component: string): object {
  return { name, labels: labels(component) };
}

/** @param configuration text of bellwether.yaml; secrets are references to the environment in it */
export function kubernetesFiles(
  facts: StackFacts,
  configuration: string,
  environment: readonly string[],
): StackFile[] {
  const file = (name: string, ...documents: object[]): StackFile =>
    yamlFile(`kubernetes/${name}.yaml`, documents);
  return [
    yamlFile(
      "kubernetes/configuration.yaml",
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: meta("bellwether", "gateway"),
        data: { "bellwether.yaml": configuration },
      },
      [
        "The secrets that the configuration refers to are not here. Make them before:",
        `  kubectl create secret generic bellwether ${environment.map((name) => `--from-literal=${name}=…`).join(" ")}`,
      ],
    ),
    file(
      "gateway",
      deployment("gateway", ["serve"], 8000, 2, facts.version),
      service("gateway", 8000),
      autoscaler(),
      disruption(),
    ),
    file(
      "exporter",
      deployment("exporter", ["exporter", "--host", "0.0.0.0"], 9111, 1, facts.version),
      service("exporter", 9111),
    ),
    file("network", networkPolicy("gateway", 8000), networkPolicy("exporter", 9111)),
    file(
      "monitoring",
      serviceMonitor("gateway", "bellwether", facts),
      serviceMonitor("exporter", "bellwether-exporter", facts),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: meta("bellwether", "alerts"),
        spec: prometheusRules(facts.rules, runbooksOf(facts)),
      },
    ),
  ];
}

function deployment(
  component: string,
  args: readonly string[],
  port: number,
  replicas: number,
  version: string,
): object {
  const probe = (path: string): object => ({
    httpGet: { path, port: "http" },
    periodSeconds: 5,
    timeoutSeconds: 3,
  });
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: meta(`bellwether-${component}`, component),
    spec: {
      replicas,
      selector: { matchLabels: labels(component) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: labels(component) },
        spec: {
          automountServiceAccountToken: false,
          // Streams get 30 s to finish; the rest is for the load balancer to notice.
          terminationGracePeriodSeconds: 45,
          securityContext: { fsGroup: USER },
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: labels(component) },
            },
          ],
          containers: [
            {
              name: component,
              image: imageOf(version),
              args: [...args, "--config", "/etc/bellwether/bellwether.yaml"],
              ports: [{ name: "http", containerPort: port }],
              envFrom: [{ secretRef: { name: "bellwether" } }],
              livenessProbe: probe("/healthz"),
              readinessProbe: probe(component === "gateway" ? "/readyz" : "/healthz"),
              resources: {
                requests: { cpu: component === "gateway" ? "500m" : "50m", memory: "128Mi" },
                limits: { memory: component === "gateway" ? "512Mi" : "256Mi" },
              },
              securityContext: SECURITY,
              volumeMounts: [
                {
                  name: "configuration",
                  mountPath: "/etc/bellwether/bellwether.yaml",
                  subPath: "bellwether.yaml",
                  readOnly: true,
                },
                { name: "data", mountPath: "/etc/bellwether/data" },
                { name: "tmp", mountPath: "/tmp" },
              ],
            },
          ],
          volumes: [
            { name: "configuration", configMap: { name: "bellwether" } },
            { name: "data", emptyDir: { sizeLimit: "4Gi" } },
            { name: "tmp", emptyDir: {} },
          ],
        },
      },
    },
  };
}

function service(component: string, port: number): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: meta(`bellwether-${component}`, component),
    spec: { selector: labels(component), ports: [{ name: "http", port, targetPort: "http" }] },
  };
}

function autoscaler(): object {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: meta("bellwether-gateway", "gateway"),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "bellwether-gateway" },
      minReplicas: 2,
      maxReplicas: 8,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
        },
      ],
      // Streams are long: give a replica up slowly.
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 300,
          policies: [{ type: "Pods", value: 1, periodSeconds: 120 }],
        },
      },
    },
  };
}

function disruption(): object {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: meta("bellwether-gateway", "gateway"),
    spec: { minAvailable: 1, selector: { matchLabels: labels("gateway") } },
  };
}

/** In: only its port. Out: names, and HTTPS to upstreams and channels; private upstreams need a line of their own. */
function networkPolicy(component: string, port: number): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: meta(`bellwether-${component}`, component),
    spec: {
      podSelector: { matchLabels: labels(component) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: [{ port, protocol: "TCP" }] }],
      egress: [
        {
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
        { ports: [{ port: 443, protocol: "TCP" }] },
      ],
    },
  };
}

function serviceMonitor(component: string, job: string, { profiles, adminToken }: StackFacts): object {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: meta(`bellwether-${component}`, component),
    spec: {
      selector: { matchLabels: labels(component) },
      endpoints: [
        {
          port: "http",
          interval: "15s",
          ...(profiles.length === 0 ? {} : { params: { profile: ["bellwether", ...profiles] } }),
          ...(adminToken
            ? { authorization: { credentials: { name: "bellwether", key: "BELLWETHER_ADMIN_TOKEN" } } }
            : {}),
          // The alerts know the job by this name.
          relabelings: [{ targetLabel: "job", replacement: job }],
        },
      ],
    },
  };
}
