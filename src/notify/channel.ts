/**
 * What a channel is. Each is one file in channels/ and its line in channels/index.ts; it says what to send and
 * whether the answer means that it arrived. Queueing, rates and retries are the outbox's, never the channel's.
 */
import type { Post } from "./http-post.ts";
import type { Language } from "./messages/index.ts";
import type { Notification } from "./notification.ts";

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

/** Whether a message arrived. */
export type Verdict =
  | { readonly arrived: true }
  | {
      readonly arrived: false;
      /** Whether it makes sense to try again. */
      readonly retry: boolean;
      /** What the vendor said, without anything secret, and what to do. */
      readonly why: string;
      /** The vendor asks to wait this long. */
      readonly afterMs?: number | undefined;
    };

export const ARRIVED: Verdict = { arrived: true };

export function refused(why: string): Verdict {
  return { arrived: false, retry: false, why };
}

export function later(why: string, afterMs?: number): Verdict {
  return { arrived: false, retry: true, why, afterMs };
}
