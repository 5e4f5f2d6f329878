/** Alerts on whether things are there at all. */
import type { AlertTemplate } from "../declaration.ts";
import { minus } from "../expression.ts";
import { above, below, DAY, enough, errorShare, MINUTE } from "./parts.ts";

const UPSTREAM = ["upstream"];
/** The upstream did not do its work, whoever asked. */
const GONE = ["timeout_connect", "timeout_first_byte", "unreachable", "reset", "upstream_5xx"];

export const availability: readonly AlertTemplate[] = [
  {
    name: "upstream-down",
    family: "error-rate",
    severity: "critical",
    unit: "ratio",
    threshold: 0.95,
    forS: MINUTE,
    conditions: (threshold) => [
      above(errorShare(GONE, UPSTREAM, 2 * MINUTE), threshold),
      enough(UPSTREAM, 2 * MINUTE, 3),
    ],
    summary: {
      en: "{upstream} is down: {value} of the calls fail",
      zh: "{upstream} 已不可用:{value} 的调用失败",
      de: "{upstream} ist ausgefallen: {value} der Aufrufe schlagen fehl",
      vi: "{upstream} ngừng hoạt động: {value} lượt gọi thất bại",
    },
    description: {
      en: "It cannot be reached, does not answer in time, or answers with 5xx.",
      zh: "无法连接、未及时应答或返回 5xx。",
      de: "Er ist nicht erreichbar, antwortet nicht rechtzeitig oder mit 5xx.",
      vi: "Không kết nối được, không trả lời kịp hoặc trả lời 5xx.",
    },
    runbook: {
      means: "Practically no call to the upstream is answered.",
      look: [
        "`bellwether probe` shows where it ends: DNS, connection, TLS, first byte.",
        "Do other upstreams answer? If none does, look at this machine's network.",
      ],
      act: [
        "Put another upstream first in `models:` and reload; calls in flight are not disturbed.",
        "Tell the upstream, with times and request ids from the ledger.",
      ],
    },
  },
  {
    name: "probe-failing",
    severity: "warning",
    unit: "count",
    threshold: undefined,
    forS: 3 * MINUTE,
    conditions: () => [
      below({ op: "max", metric: "bellwether_probe_success", by: ["upstream", "probe"] }, 1),
    ],
    summary: {
      en: "The {probe} probe of {upstream} fails",
      zh: "{upstream} 的 {probe} 探测失败",
      de: "Die Probe {probe} von {upstream} schlägt fehl",
      vi: "Phép thử {probe} của {upstream} thất bại",
    },
    description: {
      en: "Users may not notice yet: probes run whether or not there is traffic.",
      zh: "用户可能尚未察觉:无论有无流量,探测都会进行。",
      de: "Nutzer merken es vielleicht noch nicht: Proben laufen auch ohne Verkehr.",
      vi: "Người dùng có thể chưa nhận ra: phép thử chạy cả khi không có lưu lượng.",
    },
    runbook: {
      means: "A synthetic call has failed for some minutes.",
      look: ["`bellwether probe UPSTREAM --module NAME` runs it once and shows every step."],
      act: ["As the step that fails says; `bellwether doctor` has the list of causes."],
    },
  },
  {
    name: "breaker-open",
    severity: "warning",
    unit: "count",
    threshold: undefined,
    forS: MINUTE,
    conditions: () => [above({ op: "max", metric: "bellwether_breaker_state", by: UPSTREAM }, 1)],
    summary: {
      en: "The circuit breaker of {upstream} is open",
      zh: "{upstream} 的熔断器已打开",
      de: "Der Schutzschalter von {upstream} ist offen",
      vi: "Cầu dao ngắt của {upstream} đang mở",
    },
    description: {
      en: "So many of its calls failed that it is left alone for a while; other upstreams take its calls where there are any.",
      zh: "失败的调用过多,暂时不再使用该上游;若有其他上游则由其承担。",
      de: "So viele Aufrufe schlugen fehl, dass er eine Weile ruht; andere Upstreams übernehmen, wo es sie gibt.",
      vi: "Quá nhiều lượt gọi thất bại nên tạm ngừng dùng; nguồn khác sẽ thay thế nếu có.",
    },
    runbook: {
      means: "Bellwether has stopped sending calls to an upstream because they failed.",
      look: ["What failed before it opened: bellwether_errors_total by `type`."],
      act: ["It closes by itself when trial calls succeed. If it does not, treat it as upstream-down."],
    },
  },
  {
    name: "certificate-expiring",
    severity: "warning",
    unit: "seconds",
    threshold: 7 * DAY,
    forS: 10 * MINUTE,
    conditions: (threshold) => [
      below(
        minus(
          { op: "min", metric: "bellwether_upstream_certificate_expiry_timestamp_seconds", by: UPSTREAM },
          { op: "now" },
        ),
        threshold,
      ),
    ],
    summary: {
      en: "The certificate of {upstream} expires in {value}",
      zh: "{upstream} 的证书将在 {value} 后过期",
      de: "Das Zertifikat von {upstream} läuft in {value} ab",
      vi: "Chứng chỉ của {upstream} hết hạn sau {value}",
    },
    description: {
      en: "After that no connection to it can be made.",
      zh: "过期后将无法与其建立连接。",
      de: "Danach ist keine Verbindung mehr möglich.",
      vi: "Sau đó sẽ không thể kết nối.",
    },
    runbook: {
      means: "The upstream's TLS certificate ends soon; most are renewed by themselves well before.",
      look: ["Is there a proxy with a certificate of its own on the way?"],
      act: ["Tell the upstream; have another one ready."],
    },
  },
  {
    name: "gateway-down",
    severity: "critical",
    unit: "count",
    threshold: undefined,
    forS: MINUTE,
    prometheusOnly: true,
    conditions: () => [
      below({ op: "max", metric: "up", where: { job: ["bellwether"] }, by: ["instance"] }, 1),
    ],
    summary: {
      en: "Bellwether at {instance} does not answer",
      zh: "{instance} 上的 Bellwether 无响应",
      de: "Bellwether auf {instance} antwortet nicht",
      vi: "Bellwether tại {instance} không trả lời",
    },
    description: {
      en: "Prometheus cannot scrape it: calls through it probably fail.",
      zh: "Prometheus 无法抓取指标:经由它的调用很可能失败。",
      de: "Prometheus kann es nicht abfragen: Aufrufe darüber schlagen wohl fehl.",
      vi: "Prometheus không lấy được số liệu: các lượt gọi qua đó có lẽ thất bại.",
    },
    runbook: {
      means: "The gateway's /metrics cannot be read: it has ended, hangs, or the network between is broken.",
      look: ["Does the process run? Does `/healthz` answer on its own machine?", "Its last log lines."],
      act: ["Start it again. Until then clients can use the upstream's own address."],
    },
  },
  {
    name: "exporter-down",
    severity: "warning",
    unit: "count",
    threshold: undefined,
    forS: 2 * MINUTE,
    prometheusOnly: true,
    conditions: () => [
      below({ op: "max", metric: "up", where: { job: ["bellwether-exporter"] }, by: ["instance"] }, 1),
    ],
    summary: {
      en: "The exporter at {instance} does not answer",
      zh: "{instance} 上的导出器无响应",
      de: "Der Exporter auf {instance} antwortet nicht",
      vi: "Bộ xuất số liệu tại {instance} không trả lời",
    },
    description: {
      en: "Probes and balances are not watched while it is down.",
      zh: "停止期间不会监测探测结果与余额。",
      de: "Solange werden Proben und Guthaben nicht überwacht.",
      vi: "Trong lúc đó phép thử và số dư không được theo dõi.",
    },
    runbook: {
      means: "The exporter's /metrics cannot be read.",
      look: ["Does `bellwether exporter` run? Does `/healthz` answer on its port?"],
      act: ["Start it again."],
    },
  },
];
