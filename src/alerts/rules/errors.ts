/** Alerts on calls that fail. */
import { faultTypes } from "../../core/errors.ts";
import type { AlertTemplate } from "../declaration.ts";
import { divided } from "../expression.ts";
import { above, below, enough, errorShare, MINUTE, requests, SENT, TIMEOUTS } from "./parts.ts";

const UPSTREAM = ["upstream"];
const BY = ["upstream", "model"];

const manyFail = {
  summary: {
    en: "{value} of the calls to {upstream} fail",
    zh: "{upstream} 的调用有 {value} 失败",
    de: "{value} der Aufrufe an {upstream} schlagen fehl",
    vi: "{value} lượt gọi tới {upstream} thất bại",
  },
  description: {
    en: "Time-outs, resets, refused connections, rate limits, refused keys and 5xx answers together; errors of clients are not counted.",
    zh: "包括超时、连接重置、连接被拒、限流、密钥被拒和 5xx 应答;不含客户端自身的错误。",
    de: "Zeitüberschreitungen, Abbrüche, abgelehnte Verbindungen, Ratenbegrenzungen, abgelehnte Schlüssel und 5xx zusammen; Fehler der Clients zählen nicht.",
    vi: "Gồm quá hạn, ngắt kết nối, từ chối kết nối, giới hạn tần suất, khóa bị từ chối và trả lời 5xx; không tính lỗi của máy khách.",
  },
  runbook: {
    means: "A part of the calls to one upstream fails for reasons that are not the client's.",
    look: [
      "Which kind? bellwether_errors_total by `type`, or `bellwether report errors`.",
      "One model or all? One app or all?",
      "`bellwether probe` and `bellwether doctor` say whether the upstream answers at all, and whether the key is good.",
    ],
    act: [
      "`auth`: renew the key. `rate_limit`: raise the limit there, or slow the app that uses it up.",
      "`timeout_*`, `unreachable`, `reset`, `upstream_5xx`: put another upstream first in `models:`.",
    ],
  },
};

export const errorAlerts: readonly AlertTemplate[] = [
  {
    ...manyFail,
    name: "error-rate",
    severity: "warning",
    unit: "ratio",
    threshold: 0.05,
    forS: 5 * MINUTE,
    conditions: (threshold) => [
      above(errorShare(faultTypes, UPSTREAM, 5 * MINUTE), threshold),
      enough(UPSTREAM, 5 * MINUTE, 20),
    ],
  },
  {
    ...manyFail,
    name: "error-rate-high",
    family: "error-rate",
    severity: "critical",
    unit: "ratio",
    threshold: 0.25,
    forS: 2 * MINUTE,
    conditions: (threshold) => [
      above(errorShare(faultTypes, UPSTREAM, 5 * MINUTE), threshold),
      enough(UPSTREAM, 5 * MINUTE, 10),
    ],
  },
  {
    name: "low-success-rate",
    severity: "warning",
    unit: "ratio",
    threshold: 0.9,
    forS: 10 * MINUTE,
    conditions: (threshold) => [
      below(
        divided(
          requests(["model"], 10 * MINUTE, { ...SENT, status: ["2*"] }),
          requests(["model"], 10 * MINUTE),
        ),
        threshold,
      ),
      enough(["model"], 10 * MINUTE, 20),
    ],
    summary: {
      en: "Only {value} of the calls to {model} succeed",
      zh: "{model} 的调用只有 {value} 成功",
      de: "Nur {value} der Aufrufe von {model} gelingen",
      vi: "Chỉ {value} lượt gọi {model} thành công",
    },
    description: {
      en: "Over all upstreams, and whoever's fault it is: requests that are wrong count too.",
      zh: "统计所有上游,不论责任在谁:错误的请求也计算在内。",
      de: "Über alle Upstreams, und wessen Fehler es auch sei: auch falsche Anfragen zählen.",
      vi: "Tính trên mọi nguồn và bất kể lỗi do ai: yêu cầu sai cũng được tính.",
    },
    runbook: {
      means: "Too few calls to a model end with a status of 2xx, for whatever reason.",
      look: [
        "`bellwether report errors --by model,app` shows the statuses, and who gets them.",
        "Many 400: an app sends what the model does not take, perhaps since a release.",
        "Many 404: the model's name is wrong, or it was withdrawn.",
      ],
      act: ["Tell the app's owners what their requests lack; the upstream's message is in their answer."],
    },
  },
  {
    name: "timeouts",
    severity: "warning",
    unit: "ratio",
    threshold: 0.05,
    forS: 5 * MINUTE,
    conditions: (threshold) => [
      above(errorShare(TIMEOUTS, BY, 5 * MINUTE), threshold),
      enough(BY, 5 * MINUTE, 10),
    ],
    summary: {
      en: "{value} of the calls to {model} at {upstream} time out",
      zh: "{upstream} 的 {model} 有 {value} 的调用超时",
      de: "{value} der Aufrufe von {model} bei {upstream} überschreiten die Zeit",
      vi: "{value} lượt gọi {model} tại {upstream} quá hạn",
    },
    description: {
      en: "No connection, no first byte, or no further byte within the configured time.",
      zh: "在配置的时间内未建立连接、未收到首字节或后续数据中断。",
      de: "Keine Verbindung, kein erstes Byte oder kein weiteres Byte in der eingestellten Zeit.",
      vi: "Không kết nối được, không nhận byte đầu hoặc byte tiếp theo trong thời gian đã đặt.",
    },
    runbook: {
      means: "The upstream does not answer in the time that `timeouts` allows.",
      look: [
        "Which of the three? `timeout_connect` is the network or the upstream's door, `timeout_first_byte` the model or its queue, `timeout_idle` a stream that stopped.",
        "Do probes time out too?",
      ],
      act: [
        "Put another upstream first.",
        "If long answers are normal, raise `timeouts.firstByte` or `timeouts.idle` of the upstream.",
      ],
    },
  },
  {
    name: "rate-limited",
    severity: "warning",
    unit: "ratio",
    threshold: 0.05,
    forS: 5 * MINUTE,
    conditions: (threshold) => [
      above(errorShare(["rate_limit"], BY, 5 * MINUTE), threshold),
      enough(BY, 5 * MINUTE, 10),
    ],
    summary: {
      en: "{upstream} refuses {value} of the calls to {model}: rate limit",
      zh: "{upstream} 因限流拒绝了 {model} 的 {value} 调用",
      de: "{upstream} lehnt {value} der Aufrufe von {model} ab: Ratenbegrenzung",
      vi: "{upstream} từ chối {value} lượt gọi {model}: vượt giới hạn tần suất",
    },
    description: {
      en: "The upstream answers 429: more requests or tokens a minute than it allows.",
      zh: "上游返回 429:每分钟的请求数或 token 数超过其上限。",
      de: "Der Upstream antwortet mit 429: mehr Anfragen oder Token je Minute, als er erlaubt.",
      vi: "Nguồn trả lời 429: số yêu cầu hoặc token mỗi phút vượt mức cho phép.",
    },
    runbook: {
      means: "Calls meet the upstream's rate limit.",
      look: [
        "bellwether_upstream_ratelimit_remaining: is it requests or tokens that run out?",
        "Which app sends most? `bellwether report usage --by app`.",
      ],
      act: [
        "Limit that app below the upstream's limit, so that it waits here instead of failing there.",
        "Spread the load over several keys or upstreams, or ask the vendor for more.",
      ],
    },
  },
  {
    name: "client-auth-failures",
    severity: "warning",
    unit: "count",
    threshold: 50,
    forS: 0,
    conditions: (threshold) => [
      above(
        {
          op: "increase",
          metric: "bellwether_rejected_total",
          where: { reason: ["auth"] },
          by: [],
          windowS: 5 * MINUTE,
        },
        threshold,
      ),
    ],
    summary: {
      en: "{value} calls with a wrong key in five minutes",
      zh: "五分钟内有 {value} 次使用错误密钥的调用",
      de: "{value} Aufrufe mit falschem Schlüssel in fünf Minuten",
      vi: "{value} lượt gọi dùng sai khóa trong năm phút",
    },
    description: {
      en: "Clients of this gateway send no key or one that it does not know: an app with an old key, or somebody who guesses.",
      zh: "客户端未发送密钥或发送了未知的密钥:可能是应用仍在使用旧密钥,也可能有人在猜测。",
      de: "Clients dieses Gateways senden keinen oder einen unbekannten Schlüssel: eine App mit altem Schlüssel, oder jemand rät.",
      vi: "Máy khách không gửi khóa hoặc gửi khóa lạ: ứng dụng còn dùng khóa cũ, hoặc có kẻ đang đoán.",
    },
    runbook: {
      means: "Bellwether itself refuses many calls because of their key.",
      look: [
        "The log's lines with code `invalid_api_key` or `missing_api_key`: from where, and to which path?",
        "Was an app's key removed from `apps:` while the app still uses it?",
      ],
      act: ["Give the app its new key. If somebody guesses, close the port to them."],
    },
  },
];
