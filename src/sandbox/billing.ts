/** Balances and costs as relays and vendors publish them, all fed from the books. */
import { PICO_PER_USD, type Pico, scaled } from "../core/money.ts";
import { type Answer, type Call, CREATED, jsonAnswer } from "./call.ts";

/** What the simulated account was topped up with, in dollars. */
const CREDIT_USD = 100;
/** one-api and new-api count in units of which so many are a dollar. */
const QUOTA_PER_USD = 500_000;

/** Dollars granted, used and left; the knob `balance` sets what is left. */
interface Money {
  readonly granted: number;
  readonly used: number;
  readonly left: number;
  readonly unlimited: boolean;
  readonly currency: string;
  /** Seconds since the epoch; 0 for never. */
  readonly expires: number;
}

/** What one-api and new-api say for a limit where there is none. */
const NO_LIMIT = 100_000_000;

function moneyOf(call: Call): Money {
  const used = call.books.cost;
  const left = call.knobs.balance ?? dollars(scaled(CREDIT_USD, 12) - used);
  const { unlimited = false, currency = "USD", keyExpires: expires = 0 } = call.knobs;
  return { granted: dollars(used) + left, used: dollars(used), left, unlimited, currency, expires };
}

function dollars(pico: Pico): number {
  return Number(pico) / Number(PICO_PER_USD);
}

function quota(usd: number): number {
  return Math.floor(usd * QUOTA_PER_USD);
}

/** JSON, with its numbers as text where the knob says so. */
function told(call: Call, value: object): Answer {
  if (call.knobs.textAmounts !== true) return jsonAnswer(value);
  const text = (_name: string, each: unknown): unknown => (typeof each === "number" ? String(each) : each);
  return jsonAnswer(JSON.parse(JSON.stringify(value, text)));
}

/** `GET /v1/billing`, as HolySheep-like relays have it. */
export function billing(call: Call): Answer {
  return told(call, { remaining: moneyOf(call).left });
}

/** `GET /v1/dashboard/billing/subscription`, as one-api has it. */
export function subscription(call: Call): Answer {
  const { granted, unlimited, expires } = moneyOf(call);
  const limit = unlimited ? NO_LIMIT : granted;
  return told(call, {
    object: "billing_subscription",
    has_payment_method: true,
    soft_limit_usd: limit,
    hard_limit_usd: limit,
    system_hard_limit_usd: limit,
    access_until: expires,
  });
}

/** `GET /v1/dashboard/billing/usage`, as one-api has it; in cents. */
export function dashboardUsage(call: Call): Answer {
  return told(call, { object: "list", total_usage: moneyOf(call).used * 100 });
}

/** `GET /api/usage/token/`, as new-api has it; in quota units. */
export function tokenUsage(call: Call): Answer {
  const money = moneyOf(call);
  return told(call, {
    code: true,
    message: "ok",
    data: {
      object: "token_usage",
      name: "sandbox",
      total_granted: quota(money.granted),
      total_used: quota(money.used),
      total_available: quota(money.left),
      unlimited_quota: money.unlimited,
      expires_at: money.expires,
    },
  });
}

/** `GET /api/status`, as new-api has it. */
export function relayStatus(): Answer {
  const data = { system_name: "Sandbox", version: "sandbox", quota_per_unit: QUOTA_PER_USD };
  return jsonAnswer({ success: true, message: "", data });
}

/** `GET /api/v1/credits`, as OpenRouter has it. */
export function credits(call: Call): Answer {
  const money = moneyOf(call);
  return told(call, { data: { total_credits: money.granted, total_usage: money.used } });
}

/** `GET /user/balance`, as DeepSeek has it; amounts are text. */
export function userBalance(call: Call): Answer {
  const { left, currency } = moneyOf(call);
  const balance = left.toFixed(2);
  return told(call, {
    is_available: left > 0,
    balance_infos: [
      { currency, total_balance: balance, granted_balance: "0.00", topped_up_balance: balance },
    ],
  });
}

/** `GET /v1/user/info`, as SiliconFlow has it; amounts are text. */
export function userInfo(call: Call): Answer {
  const balance = String(moneyOf(call).left);
  return told(call, {
    code: 20000,
    message: "OK",
    status: true,
    data: {
      id: "sandbox",
      name: "sandbox",
      status: "normal",
      balance: "0",
      chargeBalance: balance,
      totalBalance: balance,
    },
  });
}

/** `GET /v1/users/me/balance`, as Moonshot has it. */
export function ownBalance(call: Call): Answer {
  const { left } = moneyOf(call);
  const data = { available_balance: left, voucher_balance: 0, cash_balance: left };
  return told(call, { code: 0, data, scode: "0x0", status: true });
}

/** `GET /v1/organization/costs`, as OpenAI has it: one bucket, of one day. */
export function organizationCosts(call: Call): Answer {
  const result = {
    object: "organization.costs.result",
    amount: { value: moneyOf(call).used, currency: "usd" },
    line_item: null,
    project_id: null,
  };
  const bucket = { object: "bucket", start_time: CREATED, end_time: CREATED + 86_400, results: [result] };
  return told(call, { object: "page", data: [bucket], has_more: false, next_page: null });
}
