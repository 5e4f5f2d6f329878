/**
 * What a channel is. Each is one file in channels/ and its line in channels/index.ts; it says what to send and
 * whether the answer means that it arrived. Queueing, rates and retries are the outbox's, never the channel's.
 */
import type { Post } from "./http-post.ts";
import type { Language } from "./messages/index.ts";
import type { Notification } from "./notification.ts";
import type { Verdict } from "./verdict.ts";

export interface Channel {
  /** The vendor's limit: at most this many messages in this many milliseconds. */
  readonly rate: { readonly messages: number; readonly perMs: number };
  /**
   * Whether several waiting notifications may be told as one. True of those that people read; false where a
   * program relies on each.
   */
  readonly combinable: boolean;
  /** The messages that tell a notification, in order; mostly one. */
  messages(notification: Notification, language: Language): readonly Message[];
  /** Sends one of them. @throws PostError when there was no answer. */
  send(message: Message, io: ChannelIo): Promise<Verdict>;
  /** Frees what the channel holds open. */
  close?(): void;
}

/** What a channel wrote in `messages` and reads again in `send`. */
export type Message = object;

export interface ChannelIo {
  readonly post: Post;
  /** Milliseconds since the epoch, for signatures. */
  now(): number;
}
