/**
 * Vendors and relays that are known by name, as data: adding one is adding an entry. Addresses and
 * variables are those of each vendor's own documentation.
 *
 * Only HolySheep's address is read from the environment. `OPENAI_BASE_URL` and its like are where clients
 * are pointed at this gateway; read here, they would make it call itself.
 */
import { dialectNames } from "../config/defaults.ts";
import type { DialectName } from "../usage/dialect.ts";
import type { BalancePoller, ProbeModels } from "./upstream.ts";

export interface Preset {
  readonly baseUrl: string;
  /** Where `/v1beta/…` goes, when it cannot be derived from `baseUrl`. */
  readonly rootUrl?: string;
  readonly env: {
    /** The variable that holds the key; it also switches the preset on when nothing is configured. */
    readonly apiKey: string;
    readonly baseUrl?: string;
  };
  readonly dialects: readonly DialectName[];
  /** Glob patterns of the models this vendor makes. */
  readonly owns: readonly string[];
  /** Its own price list in prices/data; without one the vendors' list prices hold. */
  readonly priceList?: string;
  /** How its account tells what is left. */
  readonly balance?: BalancePoller;
  /** Cheap models of each kind, for probes. */
  readonly probeModels?: ProbeModels;
  /** Its list of models needs no key, so that reading it proves nothing of the key. */
  readonly publicModels?: true;
  /** False where `stream_options.include_usage` is refused. */
  readonly includeUsage?: boolean;
}

/** What any OpenAI-compatible service speaks. */
const COMPATIBLE = ["openai-chat", "openai-models", "other"] as const;

/** Every dialect there is. Two assignments, so that neither list can have one that the other lacks. */
export const allDialects: readonly DialectName[] = dialectNames;
allDialects satisfies readonly (typeof dialectNames)[number][];

/** In the order in which they are preferred when several keys are in the environment. */
export const presets = {
  holysheep: {
    baseUrl: "https://api.holysheep.ai/v1",
    env: { apiKey: "HOLYSHEEP_API_KEY", baseUrl: "HOLYSHEEP_API_URL" },
    dialects: allDialects,
    owns: [],
    priceList: "holysheep",
    balance: "billing",
    probeModels: { chat: "gpt-4.1-mini", embeddings: "text-embedding-3-small", images: "gpt-image-1" },
  },
  openai: {
    baseUrl: "https://api.openai.com/v1",
    env: { apiKey: "OPENAI_API_KEY" },
    dialects: [
      "openai-chat",
      "openai-completions",
      "openai-responses",
      "openai-embeddings",
      "openai-images",
      "openai-audio",
      "openai-models",
      "other",
    ],
    owns: [
      "gpt-*",
      "ft:gpt-*",
      "chatgpt-*",
      "o1*",
      "o3*",
      "o4*",
      "codex-*",
      "text-embedding-3-*",
      "text-embedding-ada-*",
      "dall-e-*",
      "whisper-*",
      "tts-*",
      "omni-moderation-*",
      "computer-use-*",
      "davinci-*",
      "babbage-*",
    ],
    probeModels: { chat: "gpt-4.1-nano", embeddings: "text-embedding-3-small", images: "gpt-image-1-mini" },
  },
  anthropic: {
    baseUrl: "https://api.anthropic.com/v1",
    env: { apiKey: "ANTHROPIC_API_KEY" },
    dialects: ["anthropic-messages", ...COMPATIBLE],
    owns: ["claude-*"],
    probeModels: { chat: "claude-haiku-4-5" },
  },
  gemini: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    rootUrl: "https://generativelanguage.googleapis.com",
    env: { apiKey: "GEMINI_API_KEY" },
    dialects: ["gemini-generate", "openai-embeddings", "openai-images", ...COMPATIBLE],
    owns: ["gemini-*", "gemma-*", "imagen-*", "veo-*", "learnlm-*"],
    probeModels: { chat: "gemini-2.5-flash-lite", embeddings: "gemini-embedding-001" },
  },
  deepseek: {
    baseUrl: "https://api.deepseek.com/v1",
    env: { apiKey: "DEEPSEEK_API_KEY" },
    dialects: COMPATIBLE,
    owns: ["deepseek-*"],
    balance: "deepseek",
    probeModels: { chat: "deepseek-chat" },
  },
  openrouter: {
    baseUrl: "https://openrouter.ai/api/v1",
    env: { apiKey: "OPENROUTER_API_KEY" },
    dialects: [
      "openai-completions",
      "openai-responses",
      "openai-embeddings",
      "anthropic-messages",
      ...COMPATIBLE,
    ],
    owns: ["*/*"],
    balance: "openrouter",
    publicModels: true,
    probeModels: { chat: "openai/gpt-4.1-nano" },
  },
  siliconflow: {
    baseUrl: "https://api.siliconflow.cn/v1",
    env: { apiKey: "SILICONFLOW_API_KEY" },
    dialects: ["openai-embeddings", "openai-images", "openai-audio", ...COMPATIBLE],
    owns: ["*/*"],
    balance: "siliconflow",
    probeModels: { chat: "Qwen/Qwen2.5-7B-Instruct", embeddings: "BAAI/bge-m3" },
  },
  moonshot: {
    baseUrl: "https://api.moonshot.cn/v1",
    env: { apiKey: "MOONSHOT_API_KEY" },
    dialects: COMPATIBLE,
    owns: ["moonshot-*", "kimi-*"],
    balance: "moonshot",
    probeModels: { chat: "moonshot-v1-8k" },
  },
  dashscope: {
    baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    env: { apiKey: "DASHSCOPE_API_KEY" },
    dialects: ["openai-embeddings", ...COMPATIBLE],
    owns: ["qwen*", "qwq-*", "qvq-*"],
    probeModels: { chat: "qwen-turbo", embeddings: "text-embedding-v4" },
  },
  zhipu: {
    baseUrl: "https://open.bigmodel.cn/api/paas/v4",
    env: { apiKey: "ZHIPUAI_API_KEY" },
    dialects: ["openai-embeddings", ...COMPATIBLE],
    owns: ["glm-*"],
    probeModels: { chat: "glm-4-flash", embeddings: "embedding-3" },
  },
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    env: { apiKey: "MISTRAL_API_KEY" },
    dialects: ["openai-embeddings", ...COMPATIBLE],
    owns: ["mistral-*", "ministral-*", "codestral-*", "magistral-*", "devstral-*", "pixtral-*", "open-mi*"],
    probeModels: { chat: "ministral-3b-latest", embeddings: "mistral-embed" },
    // It answers 422 to the option (mistralai's schema forbids unknown fields) and reports usage anyway.
    includeUsage: false,
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    env: { apiKey: "GROQ_API_KEY" },
    dialects: ["openai-responses", "openai-audio", ...COMPATIBLE],
    owns: [],
    probeModels: { chat: "llama-3.1-8b-instant" },
  },
  xai: {
    baseUrl: "https://api.x.ai/v1",
    env: { apiKey: "XAI_API_KEY" },
    dialects: ["openai-responses", "openai-images", ...COMPATIBLE],
    owns: ["grok-*"],
    probeModels: { chat: "grok-3-mini" },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as PresetName[];

/** The preset of that name, if there is one. */
export function presetNamed(name: string): Preset | undefined {
  return Object.hasOwn(presets, name) ? presets[name as PresetName] : undefined;
}
