/** Apps and cost: who spends what, and what it would have cost elsewhere. */
import type { DashboardSpec } from "../panels.ts";
import { gauge, increase, metric, rate, ratio } from "../queries.ts";

export const costs: DashboardSpec = {
  name: "costs",
  title: [
    "Bellwether · Apps and cost",
    "Bellwether · 应用与费用",
    "Bellwether · Apps und Kosten",
    "Bellwether · Ứng dụng và chi phí",
  ],
  about: [
    "Who spends what, and what is saved against list price.",
    "谁花了多少,与官方价相比节省多少。",
    "Wer was ausgibt, und was gegenüber dem Listenpreis gespart wird.",
    "Ai tiêu bao nhiêu, và tiết kiệm được gì so với giá niêm yết.",
  ],
  rows: [
    {
      title: ["Sums", "合计", "Summen", "Tổng"],
      panels: [
        {
          kind: "stat",
          title: ["24 hours", "24 小时", "24 Stunden", "24 giờ"],
          about: [
            "Cost of the last 24 hours.",
            "最近 24 小时费用。",
            "Kosten der letzten 24 Stunden.",
            "Chi phí 24 giờ qua.",
          ],
          unit: "currencyUSD",
          queries: [{ expr: increase(metric.cost, "1d"), legend: "cost" }],
        },
        {
          kind: "stat",
          title: ["This month", "本月", "Dieser Monat", "Tháng này"],
          about: [
            "Spent since the month began, from the ledger.",
            "本月至今的费用,来自账本。",
            "Seit Monatsbeginn ausgegeben, aus dem Kassenbuch.",
            "Đã tiêu từ đầu tháng, theo sổ cái.",
          ],
          unit: "currencyUSD",
          mayBeEmpty: "the ledger is off, or the month's figures are not made yet",
          queries: [{ expr: gauge(metric.monthCost, "sum"), legend: "spent" }],
        },
        {
          kind: "stat",
          title: ["At the month's end", "月底预计", "Am Monatsende", "Cuối tháng"],
          about: [
            "Projected by the hours of the week, or in a line where there is little history.",
            "按一周各小时推算;历史较少时按线性推算。",
            "Hochgerechnet nach den Stunden der Woche, bei wenig Geschichte in gerader Linie.",
            "Ước tính theo giờ trong tuần, hoặc tuyến tính khi ít lịch sử.",
          ],
          unit: "currencyUSD",
          runbook: "month-projection",
          mayBeEmpty: "the ledger is off, or the month's figures are not made yet",
          queries: [{ expr: gauge(metric.monthProjectedCost, "sum"), legend: "projected" }],
        },
        {
          kind: "stat",
          title: ["Saved in 30 days", "30 天节省", "Ersparnis in 30 Tagen", "Tiết kiệm 30 ngày"],
          about: [
            "Against the vendors' list prices.",
            "与厂商官方价格相比。",
            "Gegenüber den Listenpreisen der Anbieter.",
            "So với giá niêm yết của nhà cung cấp.",
          ],
          unit: "currencyUSD",
          queries: [
            {
              expr: `${increase(metric.listCost, "30d")} - ${increase(metric.cost, "30d")}`,
              legend: "saved",
            },
          ],
        },
        {
          kind: "stat",
          title: ["Paid of list price", "占官方价比例", "Anteil am Listenpreis", "Tỷ lệ so với giá niêm yết"],
          about: [
            "0.3 is 70 per cent saved.",
            "0.3 即节省 70%。",
            "0,3 heißt 70 Prozent gespart.",
            "0,3 nghĩa là tiết kiệm 70 %.",
          ],
          unit: "percentunit",
          queries: [
            { expr: ratio(increase(metric.cost, "1d"), increase(metric.listCost, "1d")), legend: "share" },
          ],
        },
        {
          kind: "stat",
          title: ["Per million tokens", "每百万 token", "Je Million Token", "Mỗi triệu token"],
          about: [
            "Cost of a million tokens, input and output together.",
            "每百万 token 的费用(输入与输出合计)。",
            "Kosten einer Million Token, Ein- und Ausgabe zusammen.",
            "Chi phí một triệu token, cả vào lẫn ra.",
          ],
          unit: "currencyUSD",
          queries: [
            {
              expr: `1e6 * ${increase(metric.cost, "1d")} / (${increase(metric.inputTokens, "1d")} + ${increase(metric.outputTokens, "1d")})`,
              legend: "per million",
            },
          ],
        },
      ],
    },
    {
      title: ["By whom and for what", "按对象", "Durch wen und wofür", "Ai và cho việc gì"],
      panels: [
        {
          kind: "timeseries",
          title: [
            "Cost per hour by app",
            "各应用每小时费用",
            "Kosten je Stunde nach App",
            "Chi phí mỗi giờ theo ứng dụng",
          ],
          about: ["At the current rate.", "按当前速度。", "Bei der jetzigen Rate.", "Theo tốc độ hiện tại."],
          unit: "currencyUSD",
          stacked: true,
          queries: [{ expr: `3600 * ${rate(metric.cost, ["app"])}`, legend: "{{app}}" }],
        },
        {
          kind: "timeseries",
          title: [
            "Cost per hour by model",
            "各模型每小时费用",
            "Kosten je Stunde nach Modell",
            "Chi phí mỗi giờ theo mô hình",
          ],
          about: ["At the current rate.", "按当前速度。", "Bei der jetzigen Rate.", "Theo tốc độ hiện tại."],
          unit: "currencyUSD",
          stacked: true,
          runbook: "model-cost-per-day",
          queries: [{ expr: `3600 * ${rate(metric.cost, ["model"])}`, legend: "{{model}}" }],
        },
        {
          kind: "table",
          title: [
            "Cost by app and model in the range",
            "时段内各应用与模型费用",
            "Kosten nach App und Modell im Zeitraum",
            "Chi phí theo ứng dụng và mô hình",
          ],
          about: [
            "Everything within the dashboard's time range.",
            "仪表盘时间范围内的合计。",
            "Alles im Zeitraum des Dashboards.",
            "Tất cả trong khoảng thời gian của bảng.",
          ],
          unit: "currencyUSD",
          queries: [
            { expr: increase(metric.cost, "$__range", ["app", "model"]), legend: "USD", instant: true },
            { expr: increase(metric.listCost, "$__range", ["app", "model"]), legend: "list", instant: true },
          ],
        },
        {
          kind: "bargauge",
          title: [
            "Calls by app in the range",
            "时段内各应用调用数",
            "Aufrufe nach App im Zeitraum",
            "Lượt gọi theo ứng dụng",
          ],
          about: [
            "Everything within the dashboard's time range.",
            "仪表盘时间范围内的合计。",
            "Alles im Zeitraum des Dashboards.",
            "Tất cả trong khoảng thời gian của bảng.",
          ],
          unit: "short",
          queries: [
            { expr: increase(metric.requests, "$__range", ["app"]), legend: "{{app}}", instant: true },
          ],
        },
        {
          kind: "timeseries",
          title: ["Tokens without a price", "没有价格的 token", "Token ohne Preis", "Token chưa có giá"],
          about: [
            "They are in no sum on this page.",
            "不计入本页任何合计。",
            "Sie fehlen in allen Summen dieser Seite.",
            "Không được tính vào tổng nào ở trang này.",
          ],
          unit: "short",
          runbook: "unpriced-traffic",
          mayBeEmpty: "every model has a price",
          queries: [
            { expr: rate(metric.unpricedTokens, ["upstream", "model"]), legend: "{{upstream}} {{model}}" },
          ],
        },
        {
          kind: "table",
          title: ["Prices in force", "生效价格", "Geltende Preise", "Giá đang áp dụng"],
          about: [
            "US dollars per million tokens, of models in use.",
            "每百万 token 美元价,仅列在用模型。",
            "US-Dollar je Million Token, der benutzten Modelle.",
            "USD mỗi triệu token, của mô hình đang dùng.",
          ],
          unit: "currencyUSD",
          queries: [
            {
              expr: gauge(metric.price, "max", ["upstream", "model", "kind"]),
              legend: "{{kind}}",
              instant: true,
            },
          ],
        },
      ],
    },
    {
      title: ["Budgets", "预算", "Budgets", "Ngân sách"],
      panels: [
        {
          kind: "bargauge",
          title: ["Budgets used", "预算使用", "Budgets verbraucht", "Ngân sách đã dùng"],
          about: [
            "Share of each money budget in its period.",
            "各金额预算本周期已用比例。",
            "Anteil jedes Geldbudgets in seinem Zeitraum.",
            "Tỷ lệ đã dùng của mỗi ngân sách tiền trong kỳ.",
          ],
          unit: "percentunit",
          thresholds: [0.8, 0.95],
          runbook: "budget-80",
          mayBeEmpty: "no money budget is configured",
          queries: [
            {
              expr: ratio(
                gauge(metric.budgetUsedUsd, "max", ["scope", "name", "window"]),
                gauge(metric.budgetLimitUsd, "max", ["scope", "name", "window"]),
              ),
              legend: "{{scope}} {{name}} {{window}}",
            },
          ],
        },
        {
          kind: "bargauge",
          title: [
            "Token budgets used",
            "token 预算使用",
            "Tokenbudgets verbraucht",
            "Ngân sách token đã dùng",
          ],
          about: [
            "Share of each token budget in its period.",
            "各 token 预算本周期已用比例。",
            "Anteil jedes Tokenbudgets in seinem Zeitraum.",
            "Tỷ lệ đã dùng của mỗi ngân sách token trong kỳ.",
          ],
          unit: "percentunit",
          thresholds: [0.8, 0.95],
          runbook: "budget-80",
          mayBeEmpty: "no token budget is configured",
          queries: [
            {
              expr: ratio(
                gauge(metric.budgetUsedTokens, "max", ["scope", "name", "window"]),
                gauge(metric.budgetLimitTokens, "max", ["scope", "name", "window"]),
              ),
              legend: "{{scope}} {{name}} {{window}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: ["Refused calls", "被拒绝的调用", "Abgewiesene Aufrufe", "Lượt gọi bị từ chối"],
          about: [
            "By Bellwether: limits, budgets, keys.",
            "由 Bellwether 拒绝:限流、预算、密钥。",
            "Von Bellwether: Grenzen, Budgets, Schlüssel.",
            "Bởi Bellwether: giới hạn, ngân sách, khóa.",
          ],
          unit: "reqps",
          mayBeEmpty: "nothing was refused",
          queries: [{ expr: rate(metric.rejected, ["app", "reason"]), legend: "{{app}} {{reason}}" }],
        },
      ],
    },
  ],
};
