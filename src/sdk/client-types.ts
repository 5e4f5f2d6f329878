/** What the `Bellwether` client sends and gets: OpenAI's API as relays speak it, the fields that are common. */

/** A part of a message: text, an image, or whatever the model takes. */
export interface ContentPart {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface ChatMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content: string | readonly ContentPart[] | null;
  readonly name?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
}

export interface ChatParams {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly n?: number;
  readonly stop?: string | readonly string[];
  readonly tools?: readonly object[];
  readonly tool_choice?: string | object;
  readonly response_format?: object;
  readonly stream_options?: { readonly include_usage?: boolean };
  /** Whatever else the relay understands. */
  readonly [field: string]: unknown;
}

export interface TokenUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly [detail: string]: unknown;
}

export interface ChatCompletion {
  readonly id: string;
  readonly model: string;
  readonly created: number;
  readonly choices: readonly {
    readonly index: number;
    readonly message: {
      readonly role: "assistant";
      readonly content: string | null;
      readonly tool_calls?: readonly ToolCall[];
      readonly [field: string]: unknown;
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: TokenUsage | null;
  readonly [field: string]: unknown;
}

export interface ChatChunk {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string | null;
      readonly tool_calls?: readonly object[];
      readonly [field: string]: unknown;
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: TokenUsage | null;
  readonly [field: string]: unknown;
}

export interface EmbeddingsParams {
  readonly model: string;
  readonly input: string | readonly string[] | readonly number[];
  readonly dimensions?: number;
  readonly [field: string]: unknown;
}

export interface Embeddings {
  readonly model: string;
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
  readonly usage?: { readonly prompt_tokens: number; readonly total_tokens: number };
  readonly [field: string]: unknown;
}

export interface ImagesParams {
  readonly model: string;
  readonly prompt: string;
  readonly n?: number;
  readonly size?: string;
  readonly quality?: string;
  readonly [field: string]: unknown;
}

export interface Images {
  readonly created: number;
  readonly data: readonly { readonly url?: string; readonly b64_json?: string }[];
  readonly [field: string]: unknown;
}

export interface Model {
  readonly id: string;
  readonly [field: string]: unknown;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Further headers of this call. */
  readonly headers?: Readonly<Record<string, string>>;
}
