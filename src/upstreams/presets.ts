/**
 * Vendors and relays that are known by name, as data: adding one is adding an entry. Addresses and
 * variables are those of each vendor's own documentation.
 *
 * Only HolySheep's address is read from the environment. `OPENAI_BASE_URL` and its like are where clients
 * are pointed at this gateway; read here, they would make it call itself.
 */
import { dialectNames } from "../config/defaults.ts";
import type { DialectName } from "../usage/dialect.ts";

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
  },
  anthropic: {
    baseUrl: "https://api.anthropic.com/v1",
    env: { apiKey: "ANTHROPIC_API_KEY" },
    dialects: ["anthropic-messages", ...COMPATIBLE],
    owns: ["claude-*"],
  },
  gemini: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    rootUrl: "https://generativelanguage.googleapis.com",
    env: { apiKey: "GEMINI_API_KEY" },
    dialects: ["gemini-generate", "openai-embeddings", "openai-images", ...COMPATIBLE],
    owns: ["gemini-*", "gemma-*", "imagen-*", "veo-*", "learnlm-*"],
  },
  deepseek: {
    baseUrl: "https://api.deepseek.com/v1",
    env: { apiKey: "DEEPSEEK_API_KEY" },
    dialects: COMPATIBLE,
    owns: ["deepseek-*"],
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
  },
  siliconflow: {
    baseUrl: "https://api.siliconflow.cn/v1",
    env: { apiKey: "SILICONFLOW_API_KEY" },
    dialects: ["openai-embeddings", "openai-images", "openai-audio", ...COMPATIBLE],
    owns: ["*/*"],
  },
  moonshot: {
    baseUrl: "https://api.moonshot.cn/v1",
    env: { apiKey: "MOONSHOT_API_KEY" },
    dialects: COMPATIBLE,
    owns: ["moonshot-*", "kimi-*"],
  },
  dashscope: {
    baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    env: { apiKey: "DASHSCOPE_API_KEY" },
    dialects: ["openai-embeddings", ...COMPATIBLE],
    owns: ["qwen*", "qwq-*", "qvq-*"],
  },
  zhipu: {
    baseUrl: "https://open.bigmodel.cn/api/paas/v4",
    env: { apiKey: "ZHIPUAI_API_KEY" },
    dialects: ["openai-embeddings", ...COMPATIBLE],
    owns: ["glm-*"],
  },
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    env: { apiKey: "MISTRAL_API_KEY" },
    dialects: ["openai-embeddings", ...COMPATIBLE],
    owns: ["mistral-*", "ministral-*", "codestral-*", "magistral-*", "devstral-*", "pixtral-*", "open-mi*"],
    // It answers 422 to the option (mistralai's schema forbids unknown fields) and reports usage anyway.
    includeUsage: false,
  },
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    env: { apiKey: "GROQ_API_KEY" },
    dialects: ["openai-responses", "openai-audio", ...COMPATIBLE],
    owns: [],
  },
  xai: {
    baseUrl: "https://api.x.ai/v1",
    env: { apiKey: "XAI_API_KEY" },
    dialects: ["openai-responses", "openai-images", ...COMPATIBLE],
    owns: ["grok-*"],
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as PresetName[];

/** The preset of that name, if there is one. */
export function presetNamed(name: string): Preset | undefined {
  return Object.hasOwn(presets, name) ? presets[name as PresetName] : undefined;
}
