/** Alerts on how long calls take. */
import type { AlertTemplate } from "../declaration.ts";
import { number, type Quantile, times } from "../expression.ts";
import { above, enough, HOUR, MINUTE } from "./parts.ts";

const BY = ["upstream", "model"];

function duration(q: number, windowS: number, agoS = 0): Quantile {
  return { op: "quantile", metric: "bellwether_request_duration_seconds", by: BY, q, windowS, agoS };
}

export const latency: readonly AlertTemplate[] = [
  {
    name: "high-latency",
    severity: "warning",
    unit: "seconds",
    threshold: 15,
    forS: 5 * MINUTE,
    conditions: (threshold) => [above(duration(0.95, 5 * MINUTE), threshold), enough(BY, 5 * MINUTE, 10)],
    summary: {
      en: "{model} at {upstream} is slow: p95 is {value}",
      zh: "{upstream} 的 {model} 响应缓慢:p95 为 {value}",
      de: "{model} bei {upstream} ist langsam: p95 ist {value}",
      vi: "{model} tại {upstream} chậm: p95 là {value}",
    },
    description: {
      en: "One call in twenty takes longer than {value}, from its arrival to the end of its answer.",
      zh: "每二十次调用中有一次从到达至应答结束耗时超过 {value}。",
      de: "Jeder zwanzigste Aufruf dauert von der Ankunft bis zum Ende der Antwort länger als {value}.",
      vi: "Cứ hai mươi lượt gọi có một lượt kéo dài hơn {value}, từ lúc đến cho tới khi trả lời xong.",
    },
    runbook: {
      means: "The slowest twentieth of the calls to a model at one upstream takes longer than the threshold.",
      look: [
        "Is the time to first token high too? Then the upstream is slow to begin; if not, answers are long or trickle.",
        "Is every model of the upstream slow, or one? `bellwether report compare` shows the same model elsewhere.",
        "Is bellwether_overhead_seconds low? Then the time is not spent in Bellwether.",
        "Have calls become larger? `bellwether report usage` shows tokens per call.",
      ],
      act: [
        "Move the model to another upstream in `models:`, or let a route do it while p99 is high.",
        "Shorten what is asked: fewer tokens in, a lower `max_tokens`.",
        "If this is normal for your model, raise the threshold: `alerts.overrides.high-latency.above`.",
      ],
    },
  },
  {
    name: "latency-spike",
    severity: "warning",
    unit: "seconds",
    threshold: 3,
    thresholdUnit: "factor",
    forS: 5 * MINUTE,
    conditions: (factor) => [
      {
        left: duration(0.99, 5 * MINUTE),
        is: ">",
        right: times(number(factor), duration(0.99, HOUR, 10 * MINUTE)),
      },
      above(duration(0.99, 5 * MINUTE), 5),
      enough(BY, 5 * MINUTE, 20),
    ],
    summary: {
      en: "{model} at {upstream} has become much slower: p99 is {value}",
      zh: "{upstream} 的 {model} 明显变慢:p99 为 {value}",
      de: "{model} bei {upstream} ist viel langsamer geworden: p99 ist {value}",
      vi: "{model} tại {upstream} chậm hẳn đi: p99 là {value}",
    },
    description: {
      en: "The slowest hundredth of the calls takes several times as long as in the hour before.",
      zh: "最慢的百分之一调用耗时是此前一小时的数倍。",
      de: "Das langsamste Hundertstel der Aufrufe dauert ein Mehrfaches der Stunde davor.",
      vi: "Một phần trăm lượt gọi chậm nhất kéo dài gấp nhiều lần so với giờ trước đó.",
    },
    runbook: {
      means: "p99 of the last five minutes is several times that of the hour before.",
      look: [
        "Did it begin with a release, a new app, or larger prompts?",
        "Does the upstream's status page, or its probe, say anything?",
        "`bellwether report slow` lists the slowest calls with their sizes.",
      ],
      act: [
        "If it is the upstream: move traffic, and tell them with the upstream's request ids from the ledger.",
        "If it is one app: limit it.",
      ],
    },
  },
  {
    name: "slow-first-token",
    severity: "warning",
    unit: "seconds",
    threshold: 5,
    forS: 5 * MINUTE,
    conditions: (threshold) => [
      above(
        {
          op: "quantile",
          metric: "bellwether_time_to_first_token_seconds",
          by: BY,
          q: 0.95,
          windowS: 5 * MINUTE,
        },
        threshold,
      ),
      enough(BY, 5 * MINUTE, 10),
    ],
    summary: {
      en: "{model} at {upstream} is slow to begin: first token p95 is {value}",
      zh: "{upstream} 的 {model} 首字缓慢:首个 token 的 p95 为 {value}",
      de: "{model} bei {upstream} beginnt spät: p95 bis zum ersten Token ist {value}",
      vi: "{model} tại {upstream} bắt đầu chậm: p95 tới token đầu tiên là {value}",
    },
    description: {
      en: "Users of one streaming call in twenty wait longer than {value} before they see anything.",
      zh: "每二十次流式调用中有一次用户要等待超过 {value} 才能看到内容。",
      de: "Bei jedem zwanzigsten Stream warten Nutzer länger als {value}, bis sie etwas sehen.",
      vi: "Cứ hai mươi lượt gọi dạng luồng thì một lượt người dùng phải chờ hơn {value} mới thấy nội dung.",
    },
    runbook: {
      means: "The model, or the queue in front of it, takes long before the first output of a stream.",
      look: [
        "Is the whole upstream affected, or one model? Compare with another upstream.",
        "Are prompts long and uncached? The share of cached input tokens tells.",
        "Are rate limits near? Some relays queue before they refuse.",
      ],
      act: [
        "Move streaming traffic to a faster model or upstream.",
        "Put the unchanging part of prompts first, so that the vendor's prompt cache is used.",
      ],
    },
  },
];
