/** Alerts on the upstreams' keys: the one that ends a night's sleep, and the ones that prevent it. */
import type { AlertTemplate } from "../declaration.ts";
import { type Condition, minus } from "../expression.ts";
import { above, below, DAY, enough, errorShare, MINUTE } from "./parts.ts";

const UPSTREAM = ["upstream"];

/** The key is in one of these states; see the metric's help. */
function inState(...states: readonly string[]): Condition {
  const metric = "bellwether_upstream_key_state";
  return above({ op: "max", metric, where: { state: states }, by: ["upstream", "state"] }, 0);
}

export const keys: readonly AlertTemplate[] = [
  {
    name: "key-refused",
    family: "key",
    severity: "critical",
    unit: "ratio",
    threshold: 0.2,
    forS: MINUTE,
    conditions: (threshold) => [
      above(errorShare(["auth"], UPSTREAM, 5 * MINUTE), threshold),
      enough(UPSTREAM, 5 * MINUTE, 3),
    ],
    summary: {
      en: "{upstream} refuses the key of {value} of the calls",
      zh: "{upstream} 拒绝了 {value} 调用的密钥",
      de: "{upstream} lehnt den Schlüssel bei {value} der Aufrufe ab",
      vi: "{upstream} từ chối khóa của {value} lượt gọi",
    },
    description: {
      en: "The upstream answers 401 or 403: the key has expired, was revoked, or has no rights or no money left.",
      zh: "上游返回 401 或 403:密钥已过期、被吊销、无权限或余额不足。",
      de: "Der Upstream antwortet mit 401 oder 403: der Schlüssel ist abgelaufen, gesperrt, ohne Rechte oder ohne Guthaben.",
      vi: "Nguồn trả lời 401 hoặc 403: khóa hết hạn, bị thu hồi, không có quyền hoặc hết tiền.",
    },
    runbook: {
      means: "The upstream does not accept the key it is sent.",
      look: [
        "`bellwether doctor` tries the key and says what the upstream answers.",
        "Was the key rotated? With several keys, is only one refused?",
        "Is the balance used up? Some relays answer 401 or 403 then.",
      ],
      act: [
        "Make a new key at the upstream, and put it where the configuration reads it from: a changed file is noticed by itself, a changed variable needs a restart.",
        "Until then put another upstream first in `models:`.",
      ],
    },
  },
  {
    name: "key-invalid",
    family: "key",
    severity: "critical",
    unit: "count",
    threshold: undefined,
    forS: MINUTE,
    conditions: () => [inState("invalid", "expired")],
    summary: {
      en: "The key of {upstream} is {state}",
      zh: "{upstream} 的密钥不可用:{state}",
      de: "Der Schlüssel von {upstream} ist unbrauchbar: {state}",
      vi: "Khóa của {upstream} không dùng được: {state}",
    },
    description: {
      en: "A probe or a call was refused with 401 or 403: calls fail, or will as soon as there are any.",
      zh: "探测或调用被拒绝(401 或 403):调用正在失败,或一有调用就会失败。",
      de: "Eine Probe oder ein Aufruf wurde mit 401 oder 403 abgewiesen: Aufrufe schlagen fehl, oder werden es.",
      vi: "Một phép thử hoặc lượt gọi bị từ chối (401 hoặc 403): các lượt gọi đang hoặc sẽ thất bại.",
    },
    runbook: {
      means: "The upstream does not accept its key, whether or not there is traffic now.",
      look: [
        "`bellwether doctor` tries the key and says what the upstream answers.",
        "Was it rotated or revoked on the upstream's console? By whom?",
      ],
      act: [
        "Make a new key at the upstream, and put it where the configuration reads it from: a changed file is noticed by itself, a changed variable needs a restart.",
        "Until then put another upstream first in `models:`.",
      ],
    },
  },
  {
    name: "key-without-quota",
    family: "key",
    severity: "critical",
    unit: "count",
    threshold: undefined,
    forS: MINUTE,
    conditions: () => [inState("no_quota")],
    summary: {
      en: "The key of {upstream} has no quota left",
      zh: "{upstream} 的密钥额度已用尽",
      de: "Das Kontingent des Schlüssels von {upstream} ist aufgebraucht",
      vi: "Khóa của {upstream} đã hết hạn mức",
    },
    description: {
      en: "The upstream says that the account or the key has no money or quota left: calls fail until it is topped up.",
      zh: "上游提示账户或密钥余额、额度不足:充值之前调用都会失败。",
      de: "Der Upstream meldet, dass Guthaben oder Kontingent verbraucht sind: bis zum Aufladen schlagen Aufrufe fehl.",
      vi: "Nguồn báo tài khoản hoặc khóa hết tiền hay hạn mức: các lượt gọi thất bại cho tới khi nạp thêm.",
    },
    runbook: {
      means: "The key is right, but nothing can be bought with it any more.",
      look: [
        "`bellwether probe UPSTREAM --module balance` shows what is left.",
        "`bellwether report cost --by app,model` shows who spent it.",
      ],
      act: [
        "Top up the account, or raise the key's limit at the upstream.",
        "Set budgets, so that one app cannot spend it all.",
      ],
    },
  },
  {
    name: "key-expiring",
    family: "key",
    severity: "warning",
    unit: "seconds",
    threshold: 7 * DAY,
    forS: 10 * MINUTE,
    conditions: (threshold) => [
      below(
        minus(
          { op: "min", metric: "bellwether_upstream_key_expiry_timestamp_seconds", by: UPSTREAM },
          { op: "now" },
        ),
        threshold,
      ),
    ],
    summary: {
      en: "The key of {upstream} expires in {value}",
      zh: "{upstream} 的密钥将在 {value} 后过期",
      de: "Der Schlüssel von {upstream} läuft in {value} ab",
      vi: "Khóa của {upstream} hết hạn sau {value}",
    },
    description: {
      en: "After that every call to it is refused.",
      zh: "过期后所有调用都会被拒绝。",
      de: "Danach wird jeder Aufruf abgewiesen.",
      vi: "Sau đó mọi lượt gọi đều bị từ chối.",
    },
    runbook: {
      means: "The upstream gives its keys an end, and this one's is near.",
      look: ["`bellwether doctor` prints when it ends."],
      act: [
        "Make a new key now, and put it where the configuration reads it from: a changed file is noticed by itself, a changed variable needs a restart. Then revoke the old one.",
      ],
    },
  },
];
